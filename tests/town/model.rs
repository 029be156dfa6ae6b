//! The model of the town: hours since its start, and ten-thousandths of a point.

use std::collections::BTreeMap;

use rust_decimal::{Decimal, RoundingStrategy};

use super::streak::{self, Rules, Verdict};

/// Hours of a round.
pub const ROUND: i64 = 25;
/// Hours of the cooldown of circles, of the claim window, and of the recovery window.
pub const WEEK: i64 = 168;
/// Price of a recovery.
pub const RECOVERY: i64 = 500_000;
/// The rules of streaks.
pub const RULES: Rules = Rules {
    grace: Some(24),
    token_days: 7,
};

/// The town.
#[derive(Default)]
pub struct Model {
    pub now: i64,
    /// Points that the first administrator adjusted alone since `now` began.
    pub alone: i64,
    pub people: Vec<Person>,
    pub circles: Vec<Circle>,
    /// Number of times that each kind of command was applied.
    pub did: BTreeMap<&'static str, u32>,
}

/// A person with a miner.
#[derive(Default)]
pub struct Person {
    pub is_banned: bool,
    pub suspended_at: Option<i64>,
    pub is_granted: bool,
    pub is_verified: bool,
    pub referral: Option<Referral>,
    pub circle: Option<usize>,
    pub left_circle_at: Option<i64>,
    pub streak: streak::Model,
    pub session: Option<Session>,
    pub lifetime: i64,
    pub wallet: i64,
    pub has_wallet: bool,
    pub owed_to_referrals: i64,
}

/// The referral of a person.
#[derive(Clone, Copy)]
pub struct Referral {
    pub referrer: usize,
    pub status: &'static str,
}

/// A session that is not claimed yet.
#[derive(Clone, Copy)]
pub struct Session {
    pub ends_at: i64,
    /// Time its claim window ends.
    pub until: i64,
    pub rate: i64,
    pub rate_without_referrals: i64,
}

/// A circle.
#[derive(Default)]
pub struct Circle {
    /// The owner first.
    pub members: Vec<usize>,
    pub places_left_at: Vec<i64>,
}

impl Person {
    pub fn status(&self) -> &'static str {
        match (self.is_banned, self.suspended_at) {
            (true, _) => "BANNED",
            (false, Some(_)) => "SUSPENDED",
            (false, None) => "ACTIVE",
        }
    }

    pub fn is_active(&self) -> bool {
        self.status() == "ACTIVE"
    }

    /// Adds points to the wallet, or takes them.
    pub fn book(&mut self, points: i64) {
        self.wallet += points;
        self.has_wallet = true;
    }

    /// Whether the cooldown of a former member lasts.
    pub fn cools(&self, now: i64) -> bool {
        self.left_circle_at.is_some_and(|at| now < at + WEEK)
    }
}

impl Model {
    pub fn count(&mut self, deed: &'static str) {
        *self.did.entry(deed).or_default() += 1;
    }

    pub fn register(&mut self, referrer: Option<usize>) {
        self.people.push(Person {
            referral: referrer.map(|referrer| Referral {
                referrer,
                status: "PENDING",
            }),
            ..Person::default()
        });
    }

    pub fn referral_of(&self, number: usize) -> Option<&'static str> {
        self.people[number].referral.map(|referral| referral.status)
    }

    /// Number of active referrals of a person.
    fn brought(&self, number: usize) -> i64 {
        let active = |person: &&Person| {
            person
                .referral
                .is_some_and(|referral| referral.referrer == number && referral.status == "ACTIVE")
        };
        i64::try_from(self.people.iter().filter(active).count()).unwrap()
    }

    fn in_valid_circle(&self, number: usize) -> bool {
        let circle = self.people[number].circle;
        circle.is_some_and(|circle| self.circles[circle].members.len() >= 3)
    }

    pub fn role(&self, number: usize) -> &'static str {
        if self.people[number].is_granted {
            "NODE_OPERATOR"
        } else if self.brought(number) >= 5 {
            "AMBASSADOR"
        } else if self.in_valid_circle(number) {
            "CONTRIBUTOR"
        } else {
            "PIONEER"
        }
    }

    /// Hourly rate at a number of streak days, with and without referrals, in ten-thousandths of a point.
    fn rates(&self, number: usize, days: i64) -> (i64, i64) {
        let role = match self.role(number) {
            "NODE_OPERATOR" => 50,
            "AMBASSADOR" => 25,
            "CONTRIBUTOR" => 10,
            _ => 0,
        };
        let circle = if self.in_valid_circle(number) { 25 } else { 0 };
        let referrals = (25 * self.brought(number)).min(100);
        let streak = match days {
            ..=2 => 0,
            3..=6 => 10,
            7..=13 => 25,
            14..=29 => 50,
            _ => 100,
        };
        let rate = |percents: &[i64]| {
            let product = percents.iter().fold(Decimal::new(25, 2), |rate, percent| {
                rate * Decimal::new(100 + percent, 2)
            });
            let rounded = product.round_dp_with_strategy(4, RoundingStrategy::MidpointNearestEven);
            i64::try_from((rounded * Decimal::from(10_000)).normalize().mantissa()).unwrap()
        };
        let with = rate(&[role, circle, referrals, streak]);
        (with, rate(&[role, circle, 0, streak]))
    }

    /// Claims the session of an active person: the expected reward, milestones and days; none without a session to
    /// claim.
    pub fn claim(&mut self, number: usize) -> Option<(i64, i64, i64)> {
        let now = self.now;
        let session = self.people[number].session?;
        if now > session.until {
            self.people[number].session = None;
            self.people[number].streak.expire();
            self.count("expired");
            return None;
        }
        let verdict = self.people[number].streak.judge(now, RULES);
        self.count(match verdict {
            Verdict::OnTime => "on time",
            Verdict::Grace => "grace",
            Verdict::Frozen(_) => "frozen",
            Verdict::Broken => "broken",
        });
        let person = &mut self.people[number];
        person.session = None;
        let milestones = person.streak.claim(now, RULES);
        let bonus = milestones.iter().copied().map(worth).sum();
        let reward = 24 * session.rate;
        person.book(reward + bonus);
        person.lifetime += reward + bonus;
        person.owed_to_referrals += 24 * (session.rate - session.rate_without_referrals);
        let days = person.streak.days;
        self.count("claim");
        if bonus > 0 {
            self.count("milestone");
        }
        Some((reward, bonus, days))
    }

    /// Starts a session: the expected rate.
    pub fn start(&mut self, number: usize) -> i64 {
        let now = self.now;
        if self.people[number].streak.judge(now, RULES) == Verdict::Broken {
            self.count("broken");
        }
        self.people[number].streak.start(now, RULES);
        let (rate, rate_without_referrals) = self.rates(number, self.people[number].streak.days);
        if self.role(number) == "AMBASSADOR" {
            self.count("ambassador");
        }
        self.people[number].session = Some(Session {
            ends_at: now + 24,
            until: now + 24 + WEEK,
            rate,
            rate_without_referrals,
        });
        rate
    }

    /// Suspends a person: deadlines stop, and the referral is inactive.
    pub fn suspend(&mut self, number: usize) {
        let now = self.now;
        let person = &mut self.people[number];
        person.suspended_at = Some(now);
        self.turn_referral(number, "ACTIVE", "INACTIVE");
        self.count("suspend");
    }

    pub fn restore(&mut self, number: usize) {
        let now = self.now;
        let person = &mut self.people[number];
        let since = person.suspended_at.take().unwrap();
        person.streak.stand_still(since, now);
        if let Some(session) = &mut person.session {
            session.until += now - since.max(session.ends_at);
        }
        self.turn_referral(number, "INACTIVE", "ACTIVE");
        self.count("restore");
    }

    pub fn ban(&mut self, number: usize) {
        let person = &mut self.people[number];
        person.is_banned = true;
        person.suspended_at = None;
        person.session = None;
        self.turn_referral(number, "ACTIVE", "INACTIVE");
        if let Some(circle) = self.people[number].circle {
            if self.circles[circle].members[0] == number {
                self.end_circle(circle);
            } else {
                self.depart(number);
            }
        }
        self.count("ban");
    }

    /// Verifies a person.
    pub fn verify(&mut self, number: usize) {
        self.people[number].is_verified = true;
        let to = if self.people[number].is_active() {
            "ACTIVE"
        } else {
            "INACTIVE"
        };
        self.turn_referral(number, "PENDING", to);
    }

    fn turn_referral(&mut self, number: usize, from: &'static str, to: &'static str) {
        let referral = self.people[number].referral.as_mut();
        if let Some(referral) = referral.filter(|referral| referral.status == from) {
            referral.status = to;
        }
    }

    /// Whether a person was referred by another one, directly or through others.
    pub fn descends(&self, number: usize, from: usize) -> bool {
        let mut at = number;
        while let Some(referral) = self.people[at].referral {
            if referral.referrer == from {
                return true;
            }
            at = referral.referrer;
        }
        false
    }

    pub fn create_circle(&mut self, owner: usize) {
        self.people[owner].circle = Some(self.circles.len());
        self.circles.push(Circle {
            members: vec![owner],
            places_left_at: Vec::new(),
        });
        self.count("circle");
    }

    pub fn join(&mut self, number: usize, circle: usize) {
        self.people[number].circle = Some(circle);
        self.circles[circle].members.push(number);
        self.count("join");
    }

    /// Leaves, is removed or is banned: both wait.
    pub fn depart(&mut self, number: usize) {
        let now = self.now;
        let circle = self.people[number].circle.take().unwrap();
        self.people[number].left_circle_at = Some(now);
        let circle = &mut self.circles[circle];
        circle.members.retain(|member| *member != number);
        circle.places_left_at.push(now);
    }

    /// Ends a circle: its owner waits, the others don't.
    pub fn end_circle(&mut self, circle: usize) {
        let members = std::mem::take(&mut self.circles[circle].members);
        self.people[members[0]].left_circle_at = Some(self.now);
        for member in members {
            self.people[member].circle = None;
        }
        self.count("disband");
    }

    /// Places that can be filled now.
    pub fn free_places(&self, circle: usize) -> usize {
        let circle = &self.circles[circle];
        let waiting = circle
            .places_left_at
            .iter()
            .filter(|at| self.now < **at + WEEK);
        5_usize.saturating_sub(circle.members.len() + waiting.count())
    }
}

/// Points of the first day of a tier.
pub fn worth(day: i64) -> i64 {
    match day {
        7 => 500_000,
        14 => 1_000_000,
        30 => 3_000_000,
        _ => 0,
    }
}
