//! Approvals: commands that wait for a second person.

use chrono::TimeDelta;
use uuid::Uuid;

use crate::ids::{ApprovalId, UserId};
use crate::named::named;
use crate::refusal::{REASON_INVALID, refusals, texts};
use crate::time::{Timestamp, plus};

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
    /// Person the command is about, who may not decide; none when it is about nobody.
    pub subject: Option<UserId>,
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
        subject: Option<UserId>,
        reason: String,
        by: UserId,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            command: command.to_owned(),
            subject,
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

    /// Checks that this person may decide at `now`.
    ///
    /// Refusals, in this order: [`ApprovalRefusal::OwnRequest`], [`ApprovalRefusal::OwnSubject`],
    /// [`ApprovalRefusal::NotPending`], [`ApprovalRefusal::Expired`].
    pub fn may_be_decided(&self, by: UserId, now: Timestamp) -> Result<(), ApprovalRefusal> {
        let approval_id = self.id.0;
        if self.requested_by == by {
            return Err(ApprovalRefusal::OwnRequest { approval_id });
        }
        if self.subject == Some(by) {
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
    use crate::time::hours;

    #[test]
    fn refuses_own_late_and_repeated_decisions() {
        let now = Timestamp::UNIX_EPOCH;
        let [one, other, third] = [1, 2, 5].map(|n| UserId(Uuid::from_u128(n)));
        let approval_id = Uuid::from_u128(4);
        let id = ApprovalId(approval_id);
        let asked = Approval::requested(id, "a.b", Some(third), "a refund".into(), one, now);
        assert_eq!(
            asked.may_be_decided(one, now),
            Err(ApprovalRefusal::OwnRequest { approval_id })
        );
        assert_eq!(
            asked.may_be_decided(third, now),
            Err(ApprovalRefusal::OwnSubject { approval_id })
        );
        let week = plus(now, hours(168));
        assert_eq!(asked.may_be_decided(other, week), Ok(()));
        let late = plus(week, TimeDelta::microseconds(1));
        let expired = ApprovalRefusal::Expired {
            approval_id,
            expired_at: week,
        };
        assert_eq!(asked.may_be_decided(other, late), Err(expired));
        assert_eq!(asked.status_at(late), ApprovalStatus::Expired);
        let done = Approval {
            state: ApprovalState::Approved { by: other, at: now },
            ..asked
        };
        assert_eq!(
            done.may_be_decided(other, late),
            Err(ApprovalRefusal::NotPending { approval_id })
        );
        assert_eq!(done.status_at(late), ApprovalStatus::Approved);
    }
}
