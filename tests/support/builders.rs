//! Builders of miners, which use the API.

use std::ops::Deref;

use chrono::TimeDelta;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use resolvers::live::MinerTopic;
use serde_json::Value;

use super::{Actor, Socket, TestApp};

/// A person with a miner.
#[derive(Clone)]
pub struct Miner {
    actor: Actor,
    /// Global id.
    pub id: String,
    pub uuid: String,
    /// Global id of the profile.
    pub profile: String,
    /// Referral code.
    pub code: String,
}

impl Miner {
    /// Registers a person.
    pub async fn of(actor: Actor) -> Self {
        let payload = actor.register().await.ok();
        Self::registered(actor, &payload)
    }

    /// A person who has just registered, from the payload.
    pub fn registered(actor: Actor, payload: &Value) -> Self {
        let miner = &payload["miner"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Self {
            actor,
            id: text(&miner["id"]),
            uuid: text(&miner["uuid"]),
            profile: text(&miner["profile"]["id"]),
            code: text(&miner["referralCode"]),
        }
    }

    /// The person.
    pub fn actor(&self) -> Actor {
        self.actor.clone()
    }
}

impl Deref for Miner {
    type Target = Actor;

    fn deref(&self) -> &Actor {
        &self.actor
    }
}

/// A miner that is made when the builder is awaited.
#[must_use = "the miner is made when the builder is awaited"]
pub struct MinerBuilder<'a> {
    app: &'a TestApp,
    referrer: Option<String>,
    is_verified: bool,
    streak: u32,
    circle: usize,
    referrals: usize,
    is_ready: bool,
}

impl TestApp {
    /// A new person with a miner; `.await` makes it.
    pub fn miner(&self) -> MinerBuilder<'_> {
        MinerBuilder {
            app: self,
            referrer: None,
            is_verified: false,
            streak: 0,
            circle: 0,
            referrals: 0,
            is_ready: false,
        }
    }

    /// Several new people with miners.
    pub async fn miners<const N: usize>(&self) -> [Miner; N] {
        let mut miners = Vec::new();
        for _ in 0..N {
            miners.push(self.miner().await);
        }
        miners.try_into().ok().unwrap()
    }

    /// A circle with `N` members, its owner first.
    pub async fn circle<const N: usize>(&self) -> [Miner; N] {
        let members = self.miners::<N>().await;
        fill_circle(&members).await;
        members
    }

    /// Lets a session of each miner run to its end.
    pub async fn mine(&self, miners: &[&Miner]) {
        for miner in miners {
            miner.start().await.ok();
        }
        self.advance(TimeDelta::hours(24)).await;
    }
}

async fn fill_circle(members: &[Miner]) {
    members[0].create_circle().await.ok();
    for member in &members[1..] {
        members[0].take_in(member).await;
    }
}

impl MinerBuilder<'_> {
    /// Registers with a referral code.
    pub fn referred_by(mut self, referrer: &Miner) -> Self {
        self.referrer = Some(referrer.code.clone());
        self
    }

    /// Is verified before registering.
    pub fn verified(mut self) -> Self {
        self.is_verified = true;
        self
    }

    /// Claims a session on each of a number of days.
    pub fn streak(mut self, days: u32) -> Self {
        self.streak = days;
        self
    }

    /// Owns a circle with a number of members.
    pub fn in_circle(mut self, members: usize) -> Self {
        self.circle = members;
        self
    }

    /// Has a number of active referrals.
    pub fn referrals(mut self, count: usize) -> Self {
        self.referrals = count;
        self
    }

    /// Has a session that can be claimed.
    pub fn ready(mut self) -> Self {
        self.is_ready = true;
        self
    }

    async fn build(self) -> Miner {
        let app = self.app;
        let actor = app.user();
        if self.is_verified {
            app.verify(&actor).await.ok();
        }
        let register = match &self.referrer {
            Some(code) => actor.register_with(code),
            None => actor.register(),
        };
        let payload = register.await.ok();
        let miner = Miner::registered(actor, &payload);
        if self.circle > 0 {
            miner.create_circle().await.ok();
            for _ in 1..self.circle {
                let member = app.miner().await;
                miner.take_in(&member).await;
            }
        }
        for _ in 0..self.referrals {
            app.miner().verified().referred_by(&miner).await;
        }
        for _ in 0..self.streak {
            app.mine(&[&miner]).await;
            miner.claim().await.ok();
        }
        if self.is_ready {
            app.mine(&[&miner]).await;
        }
        miner
    }
}

impl<'a> IntoFuture for MinerBuilder<'a> {
    type Output = Miner;
    type IntoFuture = BoxFuture<'a, Miner>;

    fn into_future(self) -> Self::IntoFuture {
        self.build().boxed()
    }
}

/// An open subscription to a miner's events.
pub struct MinerEvents(Socket);

impl TestApp {
    /// Subscribes to a miner's events, and waits until the subscription is registered.
    pub async fn follow(&self, miner: &Actor, selection: &str) -> MinerEvents {
        let mut socket = miner.at(self.address()).socket().await;
        let before = self.events.subscribers::<MinerTopic>().count();
        let query = format!("subscription {{ minerUpdated {{ {selection} }} }}");
        socket.subscribe("1", &query).await;
        self.until(|| self.events.subscribers::<MinerTopic>().count() > before)
            .await;
        MinerEvents(socket)
    }
}

impl MinerEvents {
    /// The next event.
    pub async fn next(&mut self) -> Value {
        self.0.event("1").await["minerUpdated"].clone()
    }
}
