//! Commands of people and administrators, one after the other, with the expected outcome of each.

use serde_json::{Value, json};

use super::model::{RECOVERY, RULES, Referral, worth};
use super::streak::Verdict;
use super::{PEOPLE, Town};
use crate::support::Run;

impl Town<'_> {
    /// The commands of a day.
    pub async fn run_errands(&mut self) {
        for _ in 0..25 {
            let number = self.dice.roll(PEOPLE);
            match self.dice.roll(12) {
                0 => self.create_circle(number).await,
                1 | 2 => self.take_in(number).await,
                3 => self.go(number).await,
                4 => self.apply_code(number).await,
                5 | 6 => self.verify(number).await,
                7 => self.recover(number).await,
                _ => self.decide(number).await,
            }
        }
        // Suspensions end at some time.
        for number in 0..PEOPLE {
            if self.model.people[number].suspended_at.is_some() && self.dice.once_in(4) {
                self.restore(number).await;
            }
        }
        // Miners with a broken streak recover it more often.
        for number in 0..PEOPLE {
            if self.model.people[number].streak.lost.is_some() && self.dice.once_in(5) {
                self.recover(number).await;
            }
        }
    }

    /// Runs a command and compares its refusal with the expected one; returns the payload of one that was applied.
    async fn expect(&mut self, run: Run, expected: Option<&str>) -> Value {
        let outcome = run.await;
        let now = self.model.now;
        assert_eq!(outcome.refusal(), expected, "{outcome:?} at {now}");
        if expected.is_some() {
            self.model.count("refused");
            return Value::Null;
        }
        outcome.ok()
    }

    async fn create_circle(&mut self, number: usize) {
        let person = &self.model.people[number];
        let expected = match person.status() {
            "SUSPENDED" => Some("MINER_SUSPENDED"),
            "BANNED" => Some("MINER_BANNED"),
            _ if person.circle.is_some() => Some("ALREADY_IN_CIRCLE"),
            _ if person.cools(self.model.now) => Some("CIRCLE_COOLDOWN"),
            _ => None,
        };
        let name = format!("Circle {}", self.model.circles.len());
        let who = self.people[number].clone();
        let create = who.create_circle().with(json!({"name": name}));
        self.expect(create, expected).await;
        if expected.is_none() {
            self.model.create_circle(number);
        }
    }

    /// The owner of a circle invites a person, who accepts.
    async fn take_in(&mut self, guest: usize) {
        let circles = &self.model.circles;
        let open: Vec<usize> = (0..circles.len())
            .filter(|circle| !circles[*circle].members.is_empty())
            .filter(|circle| self.model.people[circles[*circle].members[0]].is_active())
            .collect();
        if open.is_empty() {
            return;
        }
        let circle = open[self.dice.roll(open.len())];
        let owner = self.model.circles[circle].members[0];
        let person = &self.model.people[guest];
        let size = self.model.circles[circle].members.len();
        let expected = if person.is_banned {
            Some("INVITEE_NOT_FOUND")
        } else if guest == owner {
            Some("SELF_INVITATION")
        } else if person.circle.is_some() {
            Some("INVITEE_IN_CIRCLE")
        } else if size == 5 {
            Some("CIRCLE_FULL")
        } else {
            None
        };
        let who = self.people[owner].clone();
        let invitee = if self.dice.once_in(2) {
            json!({"profileId": self.people[guest].profile})
        } else {
            json!({"code": self.people[guest].code})
        };
        let send = who
            .send_invitation(&self.people[guest])
            .with(json!({"invitee": invitee}));
        let sent = self.expect(send, expected).await;
        if expected.is_some() {
            return;
        }
        let invitation = sent["invitation"]["id"].clone();
        let person = &self.model.people[guest];
        let expected = if person.suspended_at.is_some() {
            Some("MINER_SUSPENDED")
        } else if person.cools(self.model.now) {
            Some("CIRCLE_COOLDOWN")
        } else if self.model.free_places(circle) == 0 {
            Some("CIRCLE_PLACE_COOLING")
        } else {
            None
        };
        let guest_actor = self.people[guest].clone();
        self.expect(guest_actor.accept(&invitation), expected).await;
        if expected.is_none() {
            self.model.join(guest, circle);
        } else if self.dice.once_in(2) {
            self.expect(guest_actor.decline(&invitation), None).await;
        } else {
            self.expect(who.cancel(&invitation), None).await;
        }
    }

    /// A member leaves the circle; an owner removes the newest member or disbands it.
    async fn go(&mut self, number: usize) {
        let person = &self.model.people[number];
        let who = self.people[number].clone();
        let banned = person.is_banned.then_some("MINER_BANNED");
        let Some(circle) = person.circle.filter(|_| banned.is_none()) else {
            let expected = banned.unwrap_or("CIRCLE_NOT_FOUND");
            self.expect(who.leave(), Some(expected)).await;
            return;
        };
        let members = self.model.circles[circle].members.clone();
        if members[0] != number {
            self.expect(who.leave(), None).await;
            self.model.depart(number);
            self.model.count("leave");
        } else if members.len() > 1 && self.dice.once_in(2) {
            let youngest = members[members.len() - 1];
            let remove = who.remove(&self.people[youngest]);
            self.expect(remove, None).await;
            self.model.depart(youngest);
            self.model.count("remove");
        } else {
            let refused = Some("OWNER_CANNOT_LEAVE");
            self.expect(who.leave(), refused).await;
            self.expect(who.disband(), None).await;
            self.model.end_circle(circle);
        }
    }

    /// A miner applies a referral code.
    async fn apply_code(&mut self, number: usize) {
        let referrer = self.dice.roll(12);
        let person = &self.model.people[number];
        let expected = match person.status() {
            "SUSPENDED" => Some("MINER_SUSPENDED"),
            "BANNED" => Some("MINER_BANNED"),
            _ if person.referral.is_some() => Some("ALREADY_REFERRED"),
            _ if !self.model.people[referrer].is_active() => Some("REFERRAL_CODE_UNKNOWN"),
            _ if referrer == number => Some("OWN_REFERRAL_CODE"),
            _ if self.model.descends(referrer, number) => Some("REFERRAL_CYCLE"),
            _ => None,
        };
        let who = self.people[number].clone();
        let apply = who.apply(&self.people[referrer].code);
        self.expect(apply, expected).await;
        if expected.is_none() {
            let person = &mut self.model.people[number];
            let status = if person.is_verified {
                "ACTIVE"
            } else {
                "PENDING"
            };
            person.referral = Some(Referral { referrer, status });
        }
    }

    /// A person is verified: the next one with a pending referral, if there is one.
    async fn verify(&mut self, from: usize) {
        let waits = |number: &usize| self.model.referral_of(*number) == Some("PENDING");
        let number = (from..PEOPLE).find(waits).unwrap_or(from);
        let verify = self.app.verify(&self.people[number]);
        self.expect(verify, None).await;
        self.model.verify(number);
    }

    async fn recover(&mut self, number: usize) {
        let now = self.model.now;
        let person = &self.model.people[number];
        let (_, lost) = person.streak.seen(now, RULES);
        let mut after = person.streak.clone();
        let reached = after.recover(now, RULES);
        let expected = match person.status() {
            "SUSPENDED" => Some("MINER_SUSPENDED"),
            "BANNED" => Some("MINER_BANNED"),
            _ if reached.is_none() => Some("STREAK_NOT_RECOVERABLE"),
            _ if after.judge(now, RULES) == Verdict::Broken => Some("STREAK_LATE"),
            _ if person.wallet < RECOVERY => Some("INSUFFICIENT_POINTS"),
            _ => None,
        };
        let who = self.people[number].clone();
        let done = self.expect(who.recover(), expected).await;
        if expected.is_none() {
            let bonus: i64 = reached.unwrap_or_default().into_iter().map(worth).sum();
            assert_eq!(done["recoveredDays"], json!(lost), "{number}");
            assert_eq!(
                done["miner"]["streak"]["streakDays"],
                json!(after.days),
                "{number}"
            );
            assert_eq!(
                super::visits::points(&done["milestonePoints"]),
                bonus,
                "{number}"
            );
            let person = &mut self.model.people[number];
            person.streak = after;
            person.book(bonus - RECOVERY);
            person.lifetime += bonus;
            self.model.count("recover");
        }
    }

    /// An administrator runs a command about a miner.
    async fn decide(&mut self, number: usize) {
        let admin = self.admins[0].clone();
        let whose = self.people[number].clone();
        let status = self.model.people[number].status();
        match self.dice.roll(8) {
            0 if self.dice.once_in(2) => {
                let expected = (status == "BANNED").then_some("MINER_BANNED");
                self.expect(admin.ban(&whose), expected).await;
                if expected.is_none() {
                    self.model.ban(number);
                }
            }
            1 => {
                let granted = self.model.people[number].is_granted;
                let change = if granted {
                    admin.revoke_node_operator(&whose)
                } else {
                    admin.grant_node_operator(&whose)
                };
                let expected = (status == "BANNED").then_some("MINER_BANNED");
                self.expect(change, expected).await;
                if expected.is_none() {
                    self.model.people[number].is_granted = !granted;
                    self.model.count("grant");
                }
            }
            2 => {
                let streak = &self.model.people[number].streak;
                let expected = match status {
                    "BANNED" => Some("MINER_BANNED"),
                    _ if streak.days == 0 && streak.lost.is_none() => Some("STREAK_NOT_FOUND"),
                    _ => None,
                };
                self.expect(admin.reset_streak(&whose), expected).await;
                if expected.is_none() {
                    self.model.people[number].streak.reset();
                    self.model.count("reset");
                }
            }
            3..=5 => self.adjust(number).await,
            _ => {
                let expected = match status {
                    "SUSPENDED" => Some("MINER_SUSPENDED"),
                    "BANNED" => Some("MINER_BANNED"),
                    _ => None,
                };
                self.expect(admin.suspend(&whose), expected).await;
                if expected.is_none() {
                    self.model.suspend(number);
                }
            }
        }
    }

    async fn restore(&mut self, number: usize) {
        let admin = self.admins[0].clone();
        let restore = admin.restore(&self.people[number]);
        self.expect(restore, None).await;
        self.model.restore(number);
    }

    /// Points are adjusted: a little, or so much that a second administrator decides.
    async fn adjust(&mut self, number: usize) {
        let size = if self.dice.once_in(2) { 2_000 } else { 20 };
        let points: i64 = if self.dice.once_in(2) { size } else { -size } * 10_000;
        let person = &self.model.people[number];
        let waits = self.model.alone + size > 1_000;
        let expected = if person.is_banned {
            Some("MINER_BANNED")
        } else if person.lifetime + points < 0 || (!waits && person.wallet + points < 0) {
            Some("INSUFFICIENT_POINTS")
        } else {
            None
        };
        let [requester, decider] = self.admins.clone();
        let amount = (points / 10_000).to_string();
        let adjust = requester.adjust(&self.people[number], &amount);
        let done = self.expect(adjust, expected).await;
        if expected.is_some() {
            return;
        }
        if waits {
            let approval = done["approval"]["id"].clone();
            let refused = Some("OWN_ACCOUNT");
            self.expect(requester.approve(&approval), refused).await;
            if self.dice.once_in(3) {
                let decline = decider.decline_approval(&approval, "not in this town");
                self.expect(decline, None).await;
                self.model.count("decline");
                return;
            }
            let short = self.model.people[number].wallet + points < 0;
            let refused = short.then_some("COMMAND_REFUSED");
            self.expect(decider.approve(&approval), refused).await;
            if short {
                return;
            }
            self.model.count("approve");
        } else {
            self.model.alone += size;
        }
        let person = &mut self.model.people[number];
        person.book(points);
        person.lifetime += points;
        self.model.count(if points > 0 { "up" } else { "down" });
    }
}
