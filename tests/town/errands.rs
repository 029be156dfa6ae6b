//! What people and administrators do about each other, one after the other, with what each must hear.

use serde_json::{Value, json};

use super::model::{RECOVERY, RULES, Referral, worth};
use super::streak::Verdict;
use super::{PEOPLE, Town};
use crate::support::Actor;

impl Town<'_> {
    /// The errands of a day.
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
        // Nobody stays suspended for ever.
        for number in 0..PEOPLE {
            if self.model.people[number].suspended_at.is_some() && self.dice.once_in(4) {
                self.restore(number).await;
            }
        }
        // Whoever lost a streak is likely to want it back.
        for number in 0..PEOPLE {
            if self.model.people[number].streak.lost.is_some() && self.dice.once_in(5) {
                self.recover(number).await;
            }
        }
    }

    /// Asks for a command, and compares its refusals with what is expected; answers the payload.
    async fn ask(
        &mut self,
        who: &Actor,
        field: &str,
        mut input: Value,
        expected: Option<&str>,
    ) -> Value {
        let of = format!("{}{}", field[..1].to_uppercase(), &field[1..]);
        let asked = match field {
            "circleInvitationSend" => "invitation { id }",
            "minerAdjustPoints" => "approval { id } totalPoints",
            "streakRecover" => "recoveredDays streakBonus streakDays",
            _ => "",
        };
        let query = format!(
            "mutation ($input: {of}Input!) {{ {field}(input: $input) {{ {asked} userErrors {{ code }} }} }}"
        );
        input["idempotencyKey"] = json!(self.key());
        let payload = who.get(&query, json!({"input": input.clone()})).await[field].clone();
        let codes: Vec<&str> = payload["userErrors"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|error| error["code"].as_str())
            .collect();
        assert_eq!(
            codes,
            Vec::from_iter(expected),
            "{field} {input} at {}",
            self.model.now
        );
        if expected.is_some() {
            self.model.count("refused");
        }
        payload
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
        self.ask(&who, "circleCreate", json!({"name": name}), expected)
            .await;
        if expected.is_none() {
            self.model.create_circle(number);
        }
    }

    /// The owner of some circle invites somebody, who accepts.
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
            json!({"profileId": self.profiles[guest]})
        } else {
            json!({"code": self.codes[guest]})
        };
        let sent = self
            .ask(
                &who,
                "circleInvitationSend",
                json!({"invitee": invitee}),
                expected,
            )
            .await;
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
        let input = json!({"invitation": invitation});
        self.ask(
            &guest_actor,
            "circleInvitationAccept",
            input.clone(),
            expected,
        )
        .await;
        if expected.is_none() {
            self.model.join(guest, circle);
        } else if self.dice.once_in(2) {
            self.ask(&guest_actor, "circleInvitationDecline", input, None)
                .await;
        } else {
            self.ask(&who, "circleInvitationCancel", input, None).await;
        }
    }

    /// Somebody leaves their circle; an owner removes the youngest member, or ends it.
    async fn go(&mut self, number: usize) {
        let person = &self.model.people[number];
        let who = self.people[number].clone();
        let banned = person.is_banned.then_some("MINER_BANNED");
        let Some(circle) = person.circle.filter(|_| banned.is_none()) else {
            let expected = banned.unwrap_or("CIRCLE_NOT_FOUND");
            self.ask(&who, "circleLeave", json!({}), Some(expected))
                .await;
            return;
        };
        let members = self.model.circles[circle].members.clone();
        if members[0] != number {
            self.ask(&who, "circleLeave", json!({}), None).await;
            self.model.depart(number);
            self.model.count("leave");
        } else if members.len() > 1 && self.dice.once_in(2) {
            let youngest = members[members.len() - 1];
            let input = json!({"member": self.profiles[youngest]});
            self.ask(&who, "circleMemberRemove", input, None).await;
            self.model.depart(youngest);
            self.model.count("remove");
        } else {
            self.ask(&who, "circleLeave", json!({}), Some("OWNER_CANNOT_LEAVE"))
                .await;
            self.ask(&who, "circleDisband", json!({}), None).await;
            self.model.end_circle(circle);
        }
    }

    /// Somebody says, late, who brought them.
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
        let input = json!({"referralCode": self.codes[referrer]});
        self.ask(&who, "referralApply", input, expected).await;
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

    /// The platform learns who somebody is. Those who were brought care more.
    async fn verify(&mut self, from: usize) {
        let waits = |number: &usize| self.model.referral_of(*number) == Some("PENDING");
        let number = (from..PEOPLE).find(waits).unwrap_or(from);
        let iam = self.iam.clone();
        let input = json!({"userId": self.people[number].id().to_string()});
        self.ask(&iam, "kycComplete", input, None).await;
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
        let done = self.ask(&who, "streakRecover", json!({}), expected).await;
        if expected.is_none() {
            let bonus: i64 = reached.unwrap_or_default().into_iter().map(worth).sum();
            assert_eq!(done["recoveredDays"], json!(lost), "{number}");
            assert_eq!(done["streakDays"], json!(after.days), "{number}");
            assert_eq!(
                super::visits::points(&done["streakBonus"]),
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

    /// An administrator decides about somebody.
    async fn decide(&mut self, number: usize) {
        let admin = self.admins[0].clone();
        let miner = json!({"userId": self.people[number].id().to_string()});
        let input = json!({"miner": miner, "reason": "town business"});
        let status = self.model.people[number].status();
        match self.dice.roll(8) {
            0 if self.dice.once_in(2) => {
                let expected = (status == "BANNED").then_some("MINER_BANNED");
                self.ask(&admin, "minerBan", input, expected).await;
                if expected.is_none() {
                    self.model.ban(number);
                }
            }
            1 => {
                let mut input = input;
                let granted = self.model.people[number].is_granted;
                input["change"] = json!(if granted {
                    "WITHDRAW_NODE_OPERATOR"
                } else {
                    "GRANT_NODE_OPERATOR"
                });
                let expected = (status == "BANNED").then_some("MINER_BANNED");
                self.ask(&admin, "minerSetRole", input, expected).await;
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
                self.ask(&admin, "minerResetStreak", input, expected).await;
                if expected.is_none() {
                    self.model.people[number].streak.reset();
                    self.model.count("reset");
                }
            }
            3..=5 => self.adjust(number, input).await,
            _ => {
                let expected = match status {
                    "SUSPENDED" => Some("MINER_SUSPENDED"),
                    "BANNED" => Some("MINER_BANNED"),
                    _ => None,
                };
                self.ask(&admin, "minerSuspend", input, expected).await;
                if expected.is_none() {
                    self.model.suspend(number);
                }
            }
        }
    }

    async fn restore(&mut self, number: usize) {
        let admin = self.admins[0].clone();
        let miner = json!({"userId": self.people[number].id().to_string()});
        let input = json!({"miner": miner, "reason": "town business"});
        self.ask(&admin, "minerRestore", input, None).await;
        self.model.restore(number);
    }

    /// Points are corrected: a little, or so much that a second person decides.
    async fn adjust(&mut self, number: usize, input: Value) {
        let size = if self.dice.once_in(2) { 2_000 } else { 20 };
        let points: i64 = if self.dice.once_in(2) { size } else { -size } * 10_000;
        let person = &self.model.people[number];
        let waits = size > 1_000;
        let expected = if person.is_banned {
            Some("MINER_BANNED")
        } else if person.lifetime + points < 0 || (!waits && person.wallet + points < 0) {
            Some("INSUFFICIENT_POINTS")
        } else {
            None
        };
        let mut input = input;
        input["amount"] = json!((points / 10_000).to_string());
        let [asking, deciding] = self.admins.clone();
        let done = self
            .ask(&asking, "minerAdjustPoints", input, expected)
            .await;
        if expected.is_some() {
            return;
        }
        if waits {
            let input = json!({"approval": done["approval"]["id"]});
            self.ask(
                &asking,
                "approvalApprove",
                input.clone(),
                Some("OWN_ACCOUNT"),
            )
            .await;
            if self.dice.once_in(3) {
                let mut input = input;
                input["reason"] = json!("not in this town");
                self.ask(&deciding, "approvalDecline", input, None).await;
                self.model.count("decline");
                return;
            }
            let short = self.model.people[number].wallet + points < 0;
            self.ask(
                &deciding,
                "approvalApprove",
                input,
                short.then_some("COMMAND_REFUSED"),
            )
            .await;
            if short {
                return;
            }
            self.model.count("approve");
        }
        let person = &mut self.model.people[number];
        person.book(points);
        person.lifetime += points;
        self.model.count(if points > 0 { "up" } else { "down" });
    }
}
