//! Approvals: commands that wait for a second person.

use chrono::TimeDelta;
use uuid::Uuid;

use crate::access::Principal;
use crate::ids::{ApprovalId, UserId};
use crate::named::named;
use crate::refusal::{REASON_INVALID, refusals, texts};
use crate::time::{Timestamp, plus};
use crate::wallets::WalletOwner;

/// Time within which an approval has to be decided.
const LIFETIME: TimeDelta = TimeDelta::days(7);

/// Outcome of an approval, as stored. `Pending` may have expired since: see [`Approval::status_at`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovalState {
    /// Not decided.
    Pending,
    /// Approved by a second person and carried out.
    Approved {
        /// The second person.
        by: UserId,
        /// Time of the decision.
        at: Timestamp,
    },
    /// Declined by a second person.
    Declined {
        /// The second person.
        by: UserId,
        /// Time of the decision.
        at: Timestamp,
        /// Reason for declining.
        reason: String,
    },
}

named! {
    /// States of an approval.
    ApprovalStatus;

    /// Waits for a second person.
    Pending = "PENDING";
    /// Approved and carried out.
    Approved = "APPROVED";
    /// Declined by a second person.
    Declined = "DECLINED";
    /// Not decided within 7 days.
    Expired = "EXPIRED";
}

/// A command that waits or waited for a second person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// Name of the command, such as `mining.miner_points_adjust`.
    pub command: String,
    /// Owners the command is about: whoever is one of them, in whatever capacity, may not decide.
    pub subjects: Vec<WalletOwner>,
    /// Reason of the person who requested the command.
    pub reason: String,
    /// Person who requested the command.
    pub requested_by: UserId,
    /// Time of the request.
    pub requested_at: Timestamp,
    /// Time after which it can no longer be decided.
    pub expires_at: Timestamp,
    /// Outcome.
    pub state: ApprovalState,
}

refusals! {
    /// Refusals of commands on approvals.
    ApprovalRefusal, ApprovalRefusalKind, "Approval";

    /// The reason is empty, longer than 500 characters, or has characters that are not visible.
    ReasonInvalid = REASON_INVALID;
    /// No approval that the caller's roles may decide has this id.
    NotFound = texts("APPROVAL_NOT_FOUND", "approvalId",
        "no approval of your roles has this id",
        "không có yêu cầu phê duyệt này");
    /// The caller requested the command or is its subject; another person has to decide.
    OwnRequest { approval_id: Uuid } = texts("OWN_ACCOUNT", "approvalId",
        "you requested this yourself: another person has to decide",
        "chính bạn đã yêu cầu việc này: phải do người khác quyết định");
    /// The caller requested the command or is its subject; another person has to decide.
    OwnSubject { approval_id: Uuid } = texts("OWN_ACCOUNT", "approvalId",
        "this is about yourself: another person has to decide",
        "việc này dành cho chính bạn: phải do người khác quyết định");
    /// The approval has been approved or declined.
    NotPending { approval_id: Uuid } = texts("APPROVAL_NOT_PENDING", "approvalId",
        "this has been decided",
        "yêu cầu này đã được quyết định");
    /// The approval was not decided within 7 days; the command has to be requested again.
    Expired { approval_id: Uuid, expired_at: Timestamp } = texts("APPROVAL_EXPIRED", "approvalId",
        "this expired at {expired_at}: request it again",
        "yêu cầu này đã hết hạn lúc {expired_at}: hãy yêu cầu lại");
    /// The proposed command is refused, see `cause`; the approval stays pending.
    CommandRefused { approval_id: Uuid } = texts("COMMAND_REFUSED", "approvalId",
        "the command is refused at the moment; the approval stays pending",
        "hiện không thể thực hiện lệnh này; yêu cầu phê duyệt vẫn đang chờ");
}

impl Approval {
    /// A command that is requested at `now`.
    #[must_use]
    pub fn requested(
        id: ApprovalId,
        command: &str,
        subjects: Vec<WalletOwner>,
        reason: String,
        by: UserId,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            command: command.to_owned(),
            subjects,
            reason,
            requested_by: by,
            requested_at: now,
            expires_at: plus(now, LIFETIME),
            state: ApprovalState::Pending,
        }
    }

    /// The state at `now`.
    #[must_use]
    pub fn status_at(&self, now: Timestamp) -> ApprovalStatus {
        match self.state {
            ApprovalState::Pending if now > self.expires_at => ApprovalStatus::Expired,
            ApprovalState::Pending => ApprovalStatus::Pending,
            ApprovalState::Approved { .. } => ApprovalStatus::Approved,
            ApprovalState::Declined { .. } => ApprovalStatus::Declined,
        }
    }

    /// Checks that this caller may decide at `now`.
    ///
    /// Refusals, in this order: [`ApprovalRefusal::OwnRequest`], [`ApprovalRefusal::OwnSubject`],
    /// [`ApprovalRefusal::NotPending`], [`ApprovalRefusal::Expired`].
    pub fn may_be_decided(&self, by: &Principal, now: Timestamp) -> Result<(), ApprovalRefusal> {
        let approval_id = self.id.0;
        if by.is_own(self.requested_by) {
            return Err(ApprovalRefusal::OwnRequest { approval_id });
        }
        if self.subjects.iter().any(|subject| by.is_own(*subject)) {
            return Err(ApprovalRefusal::OwnSubject { approval_id });
        }
        match self.status_at(now) {
            ApprovalStatus::Pending => Ok(()),
            ApprovalStatus::Expired => Err(ApprovalRefusal::Expired {
                approval_id,
                expired_at: self.expires_at,
            }),
            ApprovalStatus::Approved | ApprovalStatus::Declined => {
                Err(ApprovalRefusal::NotPending { approval_id })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Person, Role};
    use crate::ids::{AdvertiserId, MerchantId};
    use crate::time::hours;

    /// A person of finance; of a merchant and an advertiser with these keys.
    fn caller(id: UserId, keys: Option<[Uuid; 2]>) -> Principal {
        let mut roles = vec![Role::User, Role::Finance];
        if keys.is_some() {
            roles.extend([Role::Merchant, Role::Advertiser]);
        }
        Principal::Person(Person {
            id,
            issuer: "goodgo".to_owned(),
            roles,
            merchant_id: keys.map(|keys| keys[0].into()),
            advertiser_id: keys.map(|keys| keys[1].into()),
            name: None,
        })
    }

    #[test]
    fn refuses_every_capacity_of_a_subject() {
        let now = Timestamp::UNIX_EPOCH;
        let [merchant, advertiser] = [7, 8].map(Uuid::from_u128);
        let user = |n| UserId(Uuid::from_u128(n));
        let keys = Some([merchant, advertiser]);
        let owners = [
            MerchantId(merchant).into(),
            AdvertiserId(advertiser).into(),
            user(5).into(),
        ];
        for subject in owners {
            let id = ApprovalId(Uuid::nil());
            let subjects = vec![user(6).into(), subject];
            let asked = Approval::requested(id, "a.b", subjects, "r".into(), user(1), now);
            let own = asked.may_be_decided(&caller(user(5), keys), now);
            let approval_id = id.0;
            let refusal = ApprovalRefusal::OwnSubject { approval_id };
            assert_eq!(own, Err(refusal), "{subject:?}");
            let stranger = caller(user(9), None);
            assert_eq!(asked.may_be_decided(&stranger, now), Ok(()), "{subject:?}");
        }
    }

    #[test]
    fn refuses_own_late_and_repeated_decisions() {
        let now = Timestamp::UNIX_EPOCH;
        let [one, other, third] = [1, 2, 5].map(|n| UserId(Uuid::from_u128(n)));
        let [one_caller, other_caller, subject] = [one, other, third].map(|id| caller(id, None));
        let approval_id = Uuid::from_u128(4);
        let id = ApprovalId(approval_id);
        let asked = Approval::requested(id, "a.b", vec![third.into()], "a refund".into(), one, now);
        assert_eq!(
            asked.may_be_decided(&one_caller, now),
            Err(ApprovalRefusal::OwnRequest { approval_id })
        );
        assert_eq!(
            asked.may_be_decided(&subject, now),
            Err(ApprovalRefusal::OwnSubject { approval_id })
        );
        let week = plus(now, hours(168));
        assert_eq!(asked.may_be_decided(&other_caller, week), Ok(()));
        let late = plus(week, TimeDelta::microseconds(1));
        let expired = ApprovalRefusal::Expired {
            approval_id,
            expired_at: week,
        };
        assert_eq!(asked.may_be_decided(&other_caller, late), Err(expired));
        assert_eq!(asked.status_at(late), ApprovalStatus::Expired);
        let done = Approval {
            state: ApprovalState::Approved { by: other, at: now },
            ..asked
        };
        assert_eq!(
            done.may_be_decided(&other_caller, late),
            Err(ApprovalRefusal::NotPending { approval_id })
        );
        assert_eq!(done.status_at(late), ApprovalStatus::Approved);
    }
}
