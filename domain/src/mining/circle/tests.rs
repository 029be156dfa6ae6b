//! Tests of each rule, and random programs compared with a model of all rules.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::ids::CircleInvitationId;
use crate::mining::samples::{self, at};
use crate::mining::{Miner, MinerStatus, Streak};
use crate::refusal::Refusal;
use crate::time::{Timestamp, hours};

const COOLDOWN: u32 = 24;
const PEOPLE: usize = 9;

const NOTHING_SENT: Sent<'_> = Sent {
    pending: &[],
    lately: &[],
    now: Timestamp::UNIX_EPOCH,
    waiting_for_invitee: 0,
};

fn id(number: usize) -> MinerId {
    MinerId::from([Uuid::from_u128(u128::try_from(number).expect("small")); 2])
}

fn miner(number: usize, circle_id: Option<CircleId>) -> Miner {
    Miner {
        id: id(number),
        circle_id,
        ..samples::miner(Streak::default())
    }
}

fn circle(number: u128, owner: usize, members: usize) -> Circle {
    Circle {
        id: CircleId(Uuid::from_u128(number)),
        owner_id: id(owner),
        name: "night shift".to_owned(),
        status: CircleStatus::of(members),
        member_count: u32::try_from(members).expect("few"),
        version: 1,
        created_at: at(0),
        updated_at: at(0),
    }
}

fn roster(members: &[usize]) -> Roster {
    Roster {
        circle: circle(1, members[0], members.len()),
        members: members.iter().copied().map(id).collect(),
    }
}

fn invitation(invitee: usize, status: InvitationStatus) -> CircleInvitation {
    CircleInvitation {
        id: CircleInvitationId::from([Uuid::from_u128(1); 2]),
        invitee_id: id(invitee),
        status,
        created_at: at(0),
        expires_at: CircleInvitation::expiry(at(0)),
        decided_at: None,
    }
}

/// Code of the refusal; none for a result.
fn refusal<T, R: Refusal>(judged: Result<T, R>) -> Option<&'static str> {
    judged.err().map(|refusal| refusal.code())
}

#[test]
fn suspended_miners_may_only_leave_or_decline() {
    let own = CircleId(Uuid::from_u128(1));
    let suspended = Miner {
        status: MinerStatus::Suspended,
        ..miner(2, Some(own))
    };
    let roster = roster(&[1, 2, 3]);
    let pending = invitation(2, InvitationStatus::Pending);
    let no = Some("MINER_SUSPENDED");
    assert_eq!(refusal(create(&suspended, "a", COOLDOWN, at(0))), no);
    assert_eq!(
        refusal(send(&suspended, Some(&roster), None, NOTHING_SENT)),
        no
    );
    let asked = Acceptance {
        caller: &suspended,
        invitation: Some(&pending),
        roster: Some(&roster),
        places_left_at: &[],
        cooldown_hours: COOLDOWN,
        now: at(1),
    };
    assert_eq!(refusal(accept(&asked)), no);
    assert_eq!(refusal(leave(&suspended, Some(&roster))), None);
    assert_eq!(refusal(decline(&suspended, Some(&pending), at(1))), None);
    let banned = Miner {
        status: MinerStatus::Banned,
        ..suspended
    };
    let no = Some("MINER_BANNED");
    assert_eq!(refusal(leave(&banned, Some(&roster))), no);
    assert_eq!(refusal(decline(&banned, Some(&pending), at(1))), no);
    assert_eq!(refusal(disband(&banned, Some(&roster))), no);
}

#[test]
fn invitation_expires_after_seven_days() {
    let caller = miner(7, None);
    let pending = invitation(7, InvitationStatus::Pending);
    let just_before = at(7 * 24) - TimeDelta::microseconds(1);
    assert_eq!(refusal(decline(&caller, Some(&pending), just_before)), None);
    assert_eq!(
        refusal(decline(&caller, Some(&pending), at(7 * 24))),
        Some("INVITATION_EXPIRED")
    );
    for status in [
        InvitationStatus::Accepted,
        InvitationStatus::Declined,
        InvitationStatus::Cancelled,
    ] {
        let ended = invitation(7, status);
        assert_eq!(
            refusal(decline(&caller, Some(&ended), at(7 * 24))),
            Some("INVITATION_NOT_PENDING")
        );
    }
    let other = miner(8, None);
    assert_eq!(
        refusal(decline(&other, Some(&pending), at(0))),
        Some("INVITATION_NOT_FOUND")
    );
}

#[test]
fn places_cool_down_when_recently_left() {
    let caller = miner(9, None);
    let pending = invitation(9, InvitationStatus::Pending);
    let judge = |members: &[usize], left: &[i64], now| {
        let roster = roster(members);
        let places: Vec<_> = left.iter().copied().map(at).collect();
        let asked = Acceptance {
            caller: &caller,
            invitation: Some(&pending),
            roster: Some(&roster),
            places_left_at: &places,
            cooldown_hours: COOLDOWN,
            now: at(now),
        };
        accept(&asked).err()
    };
    let waits = |until| {
        let retry_at = at(until);
        Some(InvitationRefusal::PlaceCooling { retry_at })
    };
    assert_eq!(judge(&[1, 2, 3, 4], &[], 10), None);
    assert_eq!(judge(&[1, 2, 3, 4], &[5], 10), waits(29));
    assert_eq!(judge(&[1, 2, 3, 4], &[5], 29), None);
    assert_eq!(judge(&[1, 2, 3, 4], &[8, 5, 6], 10), waits(32));
    assert_eq!(judge(&[1, 2, 3], &[8, 5], 10), waits(29));
    assert_eq!(judge(&[1, 2, 3], &[5], 10), None);
    assert_eq!(
        judge(&[1, 2, 3, 4, 5], &[5], 10),
        Some(InvitationRefusal::Full { limit: 5 })
    );
}

#[test]
fn force_disband_refuses_own_and_ended_circles() {
    let of_others = roster(&[1, 2]);
    assert_eq!(refusal(force_disband(None, None)), Some("CIRCLE_NOT_FOUND"));
    for member in [1, 2] {
        assert_eq!(
            refusal(force_disband(Some(&of_others), Some(id(member)))),
            Some("OWN_ACCOUNT")
        );
    }
    let ended = Roster {
        circle: circle(1, 1, 0),
        members: Vec::new(),
    };
    assert_eq!(
        refusal(force_disband(Some(&ended), Some(id(3)))),
        Some("CIRCLE_DISBANDED")
    );
    assert_eq!(refusal(force_disband(Some(&of_others), Some(id(3)))), None);
}

/// A command or a wait, with the numbers of the miners.
#[derive(Clone, Copy, Debug)]
enum Step {
    Create(usize),
    Send(usize, usize),
    Accept(usize, usize),
    Decline(usize, usize),
    Remove(usize, usize),
    Leave(usize),
    Disband(usize),
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let one = || 0..PEOPLE;
    prop_oneof![
        2 => one().prop_map(Step::Create),
        6 => (one(), one()).prop_map(|(by, whom)| Step::Send(by, whom)),
        6 => (one(), 0..40_usize).prop_map(|(by, which)| Step::Accept(by, which)),
        1 => (one(), 0..40_usize).prop_map(|(by, which)| Step::Decline(by, which)),
        2 => (one(), one()).prop_map(|(by, whom)| Step::Remove(by, whom)),
        2 => one().prop_map(Step::Leave),
        1 => one().prop_map(Step::Disband),
        3 => (1..200_i64).prop_map(Step::Wait),
    ]
}

/// Stored state, as the rules read it and change it.
#[derive(Default)]
struct World {
    hour: i64,
    rosters: Vec<Roster>,
    invitations: Vec<CircleInvitation>,
    /// Member, circle, time and kind of every exit.
    exits: Vec<(MinerId, CircleId, Timestamp, Exit)>,
}

impl World {
    fn now(&self) -> Timestamp {
        at(self.hour)
    }

    fn roster_of(&self, number: usize) -> Option<&Roster> {
        self.rosters.iter().find(|roster| roster.has(id(number)))
    }

    fn miner(&self, number: usize) -> Miner {
        let circle = self.roster_of(number).map(|roster| roster.circle.id);
        Miner {
            circle_left_at: self.left_at(number),
            ..miner(number, circle)
        }
    }

    fn left_at(&self, number: usize) -> Option<Timestamp> {
        let of =
            |exit: &&(MinerId, CircleId, Timestamp, Exit)| exit.0 == id(number) && exit.3.cools();
        self.exits.iter().filter(of).map(|exit| exit.2).max()
    }

    fn places_left_at(&self, circle: CircleId) -> Vec<Timestamp> {
        let of = |exit: &&(MinerId, CircleId, Timestamp, Exit)| exit.1 == circle && exit.3.cools();
        self.exits.iter().filter(of).map(|exit| exit.2).collect()
    }

    fn set_members(&mut self, circle: CircleId, change: impl FnOnce(&mut Vec<MinerId>)) {
        let mut rosters = self.rosters.iter_mut();
        if let Some(roster) = rosters.find(|roster| roster.circle.id == circle) {
            change(&mut roster.members);
            roster.circle.status = CircleStatus::of(roster.members.len());
            roster.circle.member_count = u32::try_from(roster.members.len()).expect("few");
        }
    }

    fn take(&mut self, step: Step) {
        let now = self.now();
        match step {
            Step::Wait(hours) => self.hour += hours,
            Step::Create(by) => {
                let caller = self.miner(by);
                if create(&caller, "a", COOLDOWN, now).is_ok() {
                    let number = u128::try_from(self.rosters.len()).expect("few");
                    self.rosters.push(Roster {
                        circle: circle(number, by, 1),
                        members: vec![caller.id],
                    });
                }
            }
            Step::Send(by, whom) => {
                let (caller, invitee) = (self.miner(by), self.miner(whom));
                let roster = self.roster_of(by);
                let circle_id = roster.map(|roster| roster.circle.id);
                let pending: Vec<MinerId> = self
                    .invitations
                    .iter()
                    .filter(|sent| Some(sent.id.circle) == circle_id)
                    .filter(|sent| sent.status_at(now) == InvitationStatus::Pending)
                    .map(|sent| sent.invitee_id)
                    .collect();
                let sent = Sent {
                    pending: &pending,
                    ..NOTHING_SENT
                };
                if let Ok((roster, invitee)) = send(&caller, roster, Some(&invitee), sent) {
                    let number = u128::try_from(self.invitations.len()).expect("few");
                    let sent = CircleInvitation {
                        id: CircleInvitationId {
                            circle: roster.circle.id,
                            uuid: Uuid::from_u128(number),
                        },
                        created_at: now,
                        expires_at: CircleInvitation::expiry(now),
                        invitee_id: invitee.id,
                        ..invitation(0, InvitationStatus::Pending)
                    };
                    self.invitations.push(sent);
                }
            }
            Step::Accept(by, which) => self.accept(by, which),
            Step::Decline(by, which) => {
                let found = self.invitations.get(which);
                if let Ok(declined) = decline(&self.miner(by), found, now) {
                    let declined = declined.id;
                    self.end_invitations(InvitationStatus::Declined, |sent| sent.id == declined);
                }
            }
            Step::Remove(by, whom) => {
                let decided = remove(&self.miner(by), self.roster_of(by), id(whom).user);
                if let Ok(of) = decided.map(|(roster, _)| roster.circle.id) {
                    self.exits.push((id(whom), of, now, Exit::Removed));
                    self.set_members(of, |members| members.retain(|member| *member != id(whom)));
                }
            }
            Step::Leave(by) => {
                let decided = leave(&self.miner(by), self.roster_of(by));
                if let Ok(of) = decided.map(|roster| roster.circle.id) {
                    self.exits.push((id(by), of, now, Exit::Left));
                    self.set_members(of, |members| members.retain(|member| *member != id(by)));
                }
            }
            Step::Disband(by) => {
                let decided = disband(&self.miner(by), self.roster_of(by)).cloned();
                if let Ok(roster) = decided {
                    let of = roster.circle.id;
                    for member in roster.members {
                        let how = if member == id(by) {
                            Exit::DisbandedAsOwner
                        } else {
                            Exit::Disbanded
                        };
                        self.exits.push((member, of, now, how));
                    }
                    self.set_members(of, Vec::clear);
                    self.end_invitations(InvitationStatus::Cancelled, |sent| sent.id.circle == of);
                }
            }
        }
    }

    fn accept(&mut self, by: usize, which: usize) {
        let now = self.now();
        let caller = self.miner(by);
        let invitation = self.invitations.get(which);
        let roster = invitation.and_then(|found| {
            let mut rosters = self.rosters.iter();
            rosters.find(|roster| roster.circle.id == found.id.circle)
        });
        let places = roster.map_or(Vec::new(), |roster| self.places_left_at(roster.circle.id));
        let decided = accept(&Acceptance {
            caller: &caller,
            invitation,
            roster,
            places_left_at: &places,
            cooldown_hours: COOLDOWN,
            now,
        });
        // The expected result, computed from the same facts.
        let cooldown = TimeDelta::hours(i64::from(COOLDOWN));
        let waits = |left_at: Timestamp| left_at + cooldown > now;
        let may = invitation.is_some_and(|found| {
            let members = roster.map_or(0, |roster| roster.members.len());
            found.invitee_id == caller.id
                && found.status == InvitationStatus::Pending
                && now < found.expires_at
                && caller.circle_id.is_none()
                && !self.left_at(by).is_some_and(waits)
                && members + places.iter().filter(|left_at| waits(**left_at)).count() < 5
        });
        assert_eq!(decided.is_ok(), may, "{decided:?}");
        if let Ok((found, roster)) = decided {
            let (invitation, of) = (found.id, roster.circle.id);
            self.end_invitations(InvitationStatus::Accepted, |sent| sent.id == invitation);
            self.set_members(of, |members| members.push(id(by)));
        }
    }

    fn end_invitations(&mut self, to: InvitationStatus, which: impl Fn(&CircleInvitation) -> bool) {
        for sent in &mut self.invitations {
            if sent.status == InvitationStatus::Pending && which(sent) {
                sent.status = to;
            }
        }
    }

    /// Invariants after every step.
    fn check(&self) {
        let mut circles_of: BTreeMap<MinerId, usize> = BTreeMap::new();
        for Roster { circle, members } in &self.rosters {
            assert!(members.len() <= 5, "{circle:?}");
            assert_eq!(circle.is_valid(), (3..=5).contains(&members.len()));
            assert_eq!(circle.status == CircleStatus::Disbanded, members.is_empty());
            assert!(
                members
                    .first()
                    .is_none_or(|first| *first == circle.owner_id)
            );
            for member in members {
                *circles_of.entry(*member).or_default() += 1;
            }
            let now = self.now();
            let pending = self.invitations.iter().filter(|sent| {
                sent.id.circle == circle.id && sent.status_at(now) == InvitationStatus::Pending
            });
            let mut invited: Vec<_> = pending.map(|sent| sent.invitee_id).collect();
            assert!(invited.len() <= 20);
            assert!(invited.is_empty() || circle.status != CircleStatus::Disbanded);
            invited.sort_unstable();
            let all = invited.len();
            invited.dedup();
            assert_eq!(invited.len(), all, "a miner has two pending invitations");
        }
        assert!(circles_of.values().all(|circles| *circles == 1));
    }
}

proptest! {
    #[test]
    fn invariants_hold_for_random_programs(steps in prop::collection::vec(step(), 0..150)) {
        let mut world = World::default();
        for step in steps {
            world.take(step);
            world.check();
        }
    }

    #[test]
    fn joining_waits_for_the_cooldown(steps in prop::collection::vec(step(), 0..150)) {
        let mut world = World::default();
        for step in steps {
            let before: Vec<_> = (0..PEOPLE).map(|who| world.miner(who).circle_id).collect();
            world.take(step);
            for (who, before) in before.into_iter().enumerate() {
                let joined = before.is_none() && world.miner(who).circle_id.is_some();
                let cooled = world
                    .left_at(who)
                    .is_none_or(|left_at| world.now() - left_at >= TimeDelta::hours(i64::from(COOLDOWN)));
                prop_assert!(!joined || cooled, "{who} by {step:?}");
            }
        }
    }
}

#[test]
fn limits_invitations() {
    let roster = roster(&[1]);
    let (caller, invitee) = (miner(1, Some(roster.circle.id)), miner(2, None));
    let sent_by = |pending: &[MinerId], lately: &[Timestamp], waiting_for_invitee| {
        let sent = Sent {
            pending,
            lately,
            waiting_for_invitee,
            ..NOTHING_SENT
        };
        send(&caller, Some(&roster), Some(&invitee), sent).map(|_| ())
    };
    let others: Vec<_> = (3..23).map(id).collect();
    let refused = Err(InvitationRefusal::PendingLimit { limit: 20 });
    assert_eq!(sent_by(&others, &[], 0), refused);
    let now = NOTHING_SENT.now;
    let since = |first| [vec![now; 19], vec![first]].concat();
    let [day_ago, later] = [0, 1].map(|seconds| now - hours(24) + TimeDelta::seconds(seconds));
    assert_eq!(sent_by(&others[..19], &since(day_ago)[..19], 49), Ok(()));
    assert_eq!(sent_by(&[], &since(day_ago), 0), Ok(()));
    let refused = Err(InvitationRefusal::DailyLimit {
        limit: 20,
        retry_at: now + TimeDelta::seconds(1),
    });
    assert_eq!(sent_by(&[], &since(later), 50), refused);
    let refused = Err(InvitationRefusal::InviteeLimit { limit: 50 });
    assert_eq!(sent_by(&[], &[], 50), refused);
}
