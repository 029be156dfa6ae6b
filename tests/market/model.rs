//! The model of the market: hours since its start, and amounts in the smallest unit that a currency shows.

use std::collections::BTreeMap;

/// Hours of a day.
pub const DAY: i64 = 24;
/// Hours until a pending redemption is voided.
const SETTLE: i64 = 72;
/// Hours in which value can be returned.
const RETURNS: i64 = 90 * DAY;
/// Hours that value that comes back can still be used.
const GRACE: i64 = 14 * DAY;
/// Pending redemptions of a voucher, at most.
const PENDING: usize = 10;
/// Days that a voucher is valid, at most.
const VALID: i64 = 1825;

/// Outcome of a command: the code of its refusal, or nothing.
pub type Answer = Result<(), &'static str>;

/// A currency, and the decimals that it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Currency(pub &'static str, pub u32);

pub const MP: Currency = Currency("MP", 4);
pub const VND: Currency = Currency("VND", 0);

/// The owner of a balance: an index of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Party {
    Person(usize),
    Merchant(usize),
    Escrow(usize),
    Proceeds(usize),
}

/// Ways to acquire a voucher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Claim,
    Exchange,
    Purchase,
}

#[derive(Clone, Debug)]
pub struct Campaign {
    pub merchant: usize,
    pub way: Way,
    pub currency: Currency,
    pub face: i64,
    pub price: i64,
    pub total: i64,
    /// Vouchers per person; 0 for any number.
    pub limit: i64,
    pub is_partial: bool,
    pub ends_at: i64,
    pub days: i64,
    /// State as it is stored.
    pub stored: &'static str,
    pub revoked_at: Option<i64>,
    pub issued: i64,
    /// Vouchers of each person that count for the limit.
    pub acquired: BTreeMap<usize, i64>,
}

#[derive(Clone, Debug)]
pub struct Voucher {
    pub campaign: usize,
    pub owner: usize,
    pub claimed_at: i64,
    pub expires_at: i64,
    pub usable_until: i64,
    pub remaining: i64,
    pub unearned: i64,
    /// State as it is stored.
    pub stored: &'static str,
    pub is_revoked: bool,
}

#[derive(Clone, Debug)]
pub struct Redemption {
    pub voucher: usize,
    pub order: Option<usize>,
    pub used: i64,
    pub surplus: i64,
    pub returned: i64,
    pub share: i64,
    pub share_returned: i64,
    pub status: &'static str,
    pub at: i64,
    pub settled_at: i64,
}

/// An order at a merchant's; nothing covers a new one.
#[derive(Clone, Debug, Default)]
pub struct Order {
    pub merchant: usize,
    pub amount: Option<(i64, Currency)>,
    pub covered: i64,
}

/// The market.
#[derive(Default)]
pub struct Model {
    pub now: i64,
    pub campaigns: Vec<Campaign>,
    pub vouchers: Vec<Voucher>,
    pub redemptions: Vec<Redemption>,
    pub orders: Vec<Order>,
    pub balances: BTreeMap<(Party, Currency), i64>,
}

impl Redemption {
    pub fn taken(&self) -> i64 {
        self.used + self.surplus
    }

    fn is_undone(&self) -> bool {
        self.status == "VOIDED" || self.returned == self.taken()
    }
}

impl Campaign {
    /// State as of a time.
    pub fn status(&self, now: i64) -> &'static str {
        match self.stored {
            "DRAFT" if self.ends_at <= now => "CANCELLED",
            "ACTIVE" | "PAUSED" if self.ends_at <= now => "COMPLETED",
            stored => stored,
        }
    }

    pub fn has_ended(&self, now: i64) -> bool {
        matches!(self.status(now), "COMPLETED" | "CANCELLED")
    }
}

/// Destination of value that comes back.
enum Destiny {
    Voucher(i64),
    Expiry,
    Revocation,
}

impl Model {
    pub fn balance(&self, party: Party, currency: Currency) -> i64 {
        self.balances.get(&(party, currency)).copied().unwrap_or(0)
    }

    pub fn give(&mut self, party: Party, currency: Currency, amount: i64) {
        *self.balances.entry((party, currency)).or_default() += amount;
    }

    fn pay(&mut self, from: Party, to: Party, currency: Currency, amount: i64) {
        self.give(from, currency, -amount);
        self.give(to, currency, amount);
    }

    pub fn create(&mut self, campaign: Campaign) {
        let merchant = Party::Merchant(campaign.merchant);
        let escrow = Party::Escrow(self.campaigns.len());
        let (currency, whole) = (campaign.currency, campaign.face * campaign.total);
        self.campaigns.push(campaign);
        self.pay(merchant, escrow, currency, whole);
    }

    pub fn activate(&mut self, id: usize) -> Answer {
        self.change(id, &["DRAFT", "PAUSED"], "ACTIVE")
    }

    pub fn pause(&mut self, id: usize) -> Answer {
        self.change(id, &["ACTIVE"], "PAUSED")
    }

    fn change(&mut self, id: usize, from: &[&str], to: &'static str) -> Answer {
        let campaign = &mut self.campaigns[id];
        if !from.contains(&campaign.status(self.now)) {
            return Err("CAMPAIGN_STATUS_INVALID");
        }
        campaign.stored = to;
        Ok(())
    }

    /// Ends a campaign: `COMPLETED` or `CANCELLED`. A revocation takes its vouchers later, by a job.
    pub fn end(&mut self, id: usize, to: &'static str, is_revoked: bool) -> Answer {
        let from: &[_] = match to {
            "COMPLETED" => &["ACTIVE", "PAUSED"],
            _ => &["DRAFT", "ACTIVE", "PAUSED"],
        };
        self.change(id, from, to)?;
        let now = self.now;
        let campaign = &mut self.campaigns[id];
        campaign.revoked_at = is_revoked.then_some(now);
        self.release(id);
        Ok(())
    }

    fn release(&mut self, id: usize) {
        let campaign = self.campaigns[id].clone();
        let unissued = campaign.face * (campaign.total - campaign.issued);
        let merchant = Party::Merchant(campaign.merchant);
        self.pay(Party::Escrow(id), merchant, campaign.currency, unissued);
    }

    pub fn acquire(&mut self, person: usize, id: usize, way: Way) -> Answer {
        let campaign = self.campaigns[id].clone();
        let status = campaign.status(self.now);
        let acquired = campaign.acquired.get(&person).copied().unwrap_or(0);
        let available = self.balance(Party::Person(person), campaign.currency);
        for (is_refused, code) in [
            (campaign.stored == "DRAFT", "CAMPAIGN_NOT_FOUND"),
            (campaign.way != way, "WRONG_ACQUISITION_TYPE"),
            (status == "PAUSED", "CAMPAIGN_NOT_ACTIVE"),
            (status != "ACTIVE", "CAMPAIGN_ENDED"),
            (
                campaign.limit > 0 && acquired >= campaign.limit,
                "LIMIT_PER_USER",
            ),
            (available < campaign.price, "INSUFFICIENT_FUNDS"),
            (campaign.issued == campaign.total, "SOLD_OUT"),
        ] {
            if is_refused {
                return Err(code);
            }
        }
        let expires_at = self.now + campaign.days * DAY;
        self.vouchers.push(Voucher {
            campaign: id,
            owner: person,
            claimed_at: self.now,
            expires_at,
            usable_until: expires_at,
            remaining: campaign.face,
            unearned: campaign.price,
            stored: "CLAIMED",
            is_revoked: false,
        });
        self.campaigns[id].issued += 1;
        self.campaigns[id].acquired.insert(person, acquired + 1);
        let (from, to) = (Party::Person(person), Party::Proceeds(id));
        self.pay(from, to, campaign.currency, campaign.price);
        Ok(())
    }

    fn of(&self, voucher: usize) -> &Campaign {
        &self.campaigns[self.vouchers[voucher].campaign]
    }

    /// Whether a voucher is stored as one with value that a revocation of its campaign takes.
    pub fn is_taken(&self, voucher: usize) -> bool {
        let revoked_at = self.of(voucher).revoked_at;
        let voucher = &self.vouchers[voucher];
        voucher.is_stored_live() && revoked_at.is_some_and(|at| voucher.usable_until > at)
    }

    pub fn is_live(&self, voucher: usize) -> bool {
        let is_revoked = self.of(voucher).revoked_at.is_some();
        let voucher = &self.vouchers[voucher];
        voucher.is_stored_live() && voucher.usable_until > self.now && !is_revoked
    }

    /// Redeems a voucher; at the till without an order.
    pub fn redeem(&mut self, id: usize, order: Option<usize>, amount: i64) -> Answer {
        let campaign = self.of(id).clone();
        let voucher = self.vouchers[id].clone();
        let mine = self.redemptions.iter();
        let mine = mine.filter(|one| one.voucher == id && one.status != "VOIDED");
        let pending = mine.clone().filter(|one| one.status == "PENDING").count();
        let is_repeated = order.is_some() && mine.clone().any(|one| one.order == order);
        let known = order.map(|order| self.orders[order].clone());
        let known = known.unwrap_or_default();
        let asked = (amount, campaign.currency);
        for (is_refused, code) in [
            (voucher.is_revoked || self.is_taken(id), "VOUCHER_REVOKED"),
            (
                voucher.stored == "EXPIRED" || (voucher.is_stored_live() && !self.is_live(id)),
                "VOUCHER_EXPIRED",
            ),
            (voucher.stored == "FULLY_REDEEMED", "VOUCHER_USED"),
            (is_repeated, "ORDER_REDEEMED"),
            (order.is_some() && pending >= PENDING, "PENDING_LIMIT"),
            (
                known.covered > 0 && known.amount != Some(asked),
                "ORDER_AMOUNT_DIFFERS",
            ),
            (known.covered >= amount, "ORDER_COVERED"),
        ] {
            if is_refused {
                return Err(code);
            }
        }
        let used = voucher.remaining.min(amount - known.covered);
        let rest = voucher.remaining - used;
        let surplus = if campaign.is_partial { 0 } else { rest };
        let remaining = rest - surplus;
        let kept = -(-campaign.price * remaining).div_euclid(campaign.face);
        let share = (voucher.unearned - kept).max(0);
        let changed = &mut self.vouchers[id];
        changed.remaining = remaining;
        changed.unearned -= share;
        changed.stored = state(remaining, campaign.face);
        if let Some(order) = order {
            self.orders[order].amount = Some(asked);
            self.orders[order].covered += used;
        }
        self.redemptions.push(Redemption {
            voucher: id,
            order,
            used,
            surplus,
            returned: 0,
            share,
            share_returned: 0,
            status: "PENDING",
            at: self.now,
            settled_at: 0,
        });
        if order.is_none() {
            self.settle(self.redemptions.len() - 1)?;
        }
        Ok(())
    }

    fn check_pending(&self, id: usize) -> Answer {
        match self.redemptions[id].status {
            "PENDING" => Ok(()),
            "SETTLED" => Err("REDEMPTION_SETTLED"),
            _ => Err("REDEMPTION_VOIDED"),
        }
    }

    pub fn settle(&mut self, id: usize) -> Answer {
        self.check_pending(id)?;
        let now = self.now;
        let redemption = &mut self.redemptions[id];
        redemption.status = "SETTLED";
        redemption.settled_at = now;
        let redemption = redemption.clone();
        self.earn(redemption.voucher, redemption.taken(), redemption.share);
        Ok(())
    }

    /// Value and price of a voucher go to the merchant.
    fn earn(&mut self, voucher: usize, value: i64, price: i64) {
        let campaign = self.of(voucher).clone();
        let id = self.vouchers[voucher].campaign;
        let merchant = Party::Merchant(campaign.merchant);
        self.pay(Party::Escrow(id), merchant, campaign.currency, value);
        self.pay(Party::Proceeds(id), merchant, campaign.currency, price);
    }

    /// Value of a voucher goes to the merchant, its price to the holder.
    fn refund(&mut self, voucher: usize, value: i64, price: i64) {
        self.earn(voucher, value, 0);
        let (currency, owner) = (self.of(voucher).currency, self.vouchers[voucher].owner);
        let proceeds = Party::Proceeds(self.vouchers[voucher].campaign);
        self.pay(proceeds, Party::Person(owner), currency, price);
    }

    fn destiny(&self, id: usize) -> Destiny {
        let voucher = &self.vouchers[id];
        if voucher.is_revoked || self.of(id).revoked_at.is_some() {
            return Destiny::Revocation;
        }
        let last = voucher.usable_until.max(voucher.expires_at + GRACE);
        if last <= self.now {
            return Destiny::Expiry;
        }
        Destiny::Voucher(last.min(self.now + GRACE).max(voucher.usable_until))
    }

    fn give_back(&mut self, id: usize, usable_until: i64, value: i64, price: i64) {
        let voucher = self.vouchers[id].clone();
        if voucher.is_stored_live() && voucher.usable_until <= self.now {
            self.expire(id);
        }
        let face = self.of(id).face;
        let changed = &mut self.vouchers[id];
        if changed.stored == "EXPIRED" {
            changed.remaining = 0;
            changed.unearned = 0;
        }
        changed.usable_until = usable_until;
        changed.remaining += value;
        changed.unearned += price;
        changed.stored = state(changed.remaining, face);
    }

    pub fn void(&mut self, id: usize) -> Answer {
        self.check_pending(id)?;
        self.redemptions[id].status = "VOIDED";
        let redemption = self.redemptions[id].clone();
        if let Some(order) = redemption.order {
            self.orders[order].covered -= redemption.used;
        }
        let (of, value, price) = (redemption.voucher, redemption.taken(), redemption.share);
        match self.destiny(of) {
            Destiny::Voucher(until) => self.give_back(of, until, value, price),
            Destiny::Expiry => {
                self.earn(of, value, price);
                self.lose(of, value, false);
            }
            Destiny::Revocation => {
                self.refund(of, value, price);
                self.lose(of, value, true);
                self.forget(of);
            }
        }
        Ok(())
    }

    /// Ends a voucher whose value did not come back onto it, unless its end is still to be booked.
    fn lose(&mut self, voucher: usize, value: i64, is_revoked: bool) {
        let voucher = &mut self.vouchers[voucher];
        if !voucher.is_stored_live() {
            voucher.stored = "EXPIRED";
            voucher.remaining += value;
            voucher.is_revoked |= is_revoked;
        }
    }

    /// Takes a refunded voucher off the limit per person once nothing of it is used.
    fn forget(&mut self, voucher: usize) {
        let mut mine = self.redemptions.iter();
        if mine.all(|one| one.voucher != voucher || one.is_undone()) {
            self.discount(voucher);
        }
    }

    fn discount(&mut self, voucher: usize) {
        let Voucher {
            campaign, owner, ..
        } = self.vouchers[voucher];
        *self.campaigns[campaign].acquired.get_mut(&owner).unwrap() -= 1;
    }

    /// Returns value of a redemption; all that is left without an amount.
    pub fn give_return(&mut self, id: usize, amount: Option<i64>) -> Answer {
        let redemption = self.redemptions[id].clone();
        let of = redemption.voucher;
        let returnable = redemption.used - redemption.returned;
        let value = amount.unwrap_or(returnable);
        for (is_refused, code) in [
            (redemption.status == "VOIDED", "REDEMPTION_VOIDED"),
            (redemption.status == "PENDING", "REDEMPTION_PENDING"),
            (
                redemption.settled_at + RETURNS <= self.now,
                "RETURN_TOO_LATE",
            ),
            (value > returnable || value == 0, "RETURN_EXCEEDED"),
            (
                value < returnable && !self.of(of).is_partial,
                "PARTIAL_RETURN_NOT_ALLOWED",
            ),
        ] {
            if is_refused {
                return Err(code);
            }
        }
        let changed = &mut self.redemptions[id];
        changed.returned += value;
        let proportion = changed.share * changed.returned / changed.taken();
        let before = changed.share_returned;
        changed.share_returned = proportion.max(before);
        let price = changed.share_returned - before;
        let campaign = self.of(of).clone();
        let (merchant, currency) = (Party::Merchant(campaign.merchant), campaign.currency);
        let (index, owner) = (self.vouchers[of].campaign, self.vouchers[of].owner);
        match self.destiny(of) {
            Destiny::Voucher(until) => {
                self.pay(merchant, Party::Escrow(index), currency, value);
                self.pay(merchant, Party::Proceeds(index), currency, price);
                self.give_back(of, until, value, price);
            }
            Destiny::Expiry => self.lose(of, value, false),
            Destiny::Revocation => {
                self.pay(merchant, Party::Person(owner), currency, price);
                self.lose(of, value, true);
                if self.redemptions[id].is_undone() {
                    self.forget(of);
                }
            }
        }
        Ok(())
    }

    pub fn revoke(&mut self, id: usize) -> Answer {
        if !self.is_live(id) {
            return Err("VOUCHER_STATUS_INVALID");
        }
        self.take(id);
        Ok(())
    }

    /// Books the revocation of a voucher.
    fn take(&mut self, id: usize) {
        let voucher = self.vouchers[id].clone();
        self.refund(id, voucher.remaining, voucher.unearned);
        if voucher.stored == "CLAIMED" {
            self.discount(id);
        }
        self.vouchers[id].stored = "EXPIRED";
        self.vouchers[id].is_revoked = true;
    }

    pub fn extend(&mut self, id: usize, days: i64) -> Answer {
        if !self.is_live(id) {
            return Err("VOUCHER_STATUS_INVALID");
        }
        let voucher = &mut self.vouchers[id];
        let expires_at = voucher.expires_at + days * DAY;
        if !(1..=365).contains(&days) || expires_at > voucher.claimed_at + VALID * DAY {
            return Err("DAYS_INVALID");
        }
        voucher.expires_at = expires_at;
        voucher.usable_until = voucher.usable_until.max(expires_at);
        Ok(())
    }

    /// Books the expiry of a voucher.
    fn expire(&mut self, id: usize) {
        let voucher = self.vouchers[id].clone();
        self.earn(id, voucher.remaining, voucher.unearned);
        self.vouchers[id].stored = "EXPIRED";
    }

    /// Runs the jobs: ends of campaigns, redemptions that were not settled, revocations, expired vouchers.
    pub fn run_jobs(&mut self) {
        let now = self.now;
        for id in 0..self.campaigns.len() {
            let status = self.campaigns[id].status(now);
            if status != self.campaigns[id].stored {
                self.campaigns[id].stored = status;
                self.release(id);
            }
        }
        for id in 0..self.redemptions.len() {
            let redemption = &self.redemptions[id];
            if redemption.status == "PENDING" && redemption.at + SETTLE <= now {
                self.void(id).unwrap();
            }
        }
        for id in 0..self.vouchers.len() {
            if self.is_taken(id) {
                self.take(id);
            } else if self.vouchers[id].is_stored_live() && self.vouchers[id].usable_until <= now {
                self.expire(id);
            }
        }
    }
}

impl Voucher {
    pub fn is_stored_live(&self) -> bool {
        matches!(self.stored, "CLAIMED" | "PARTIALLY_REDEEMED")
    }
}

/// State of an acquired voucher with a remaining value.
fn state(remaining: i64, face: i64) -> &'static str {
    match remaining {
        0 => "FULLY_REDEEMED",
        all if all == face => "CLAIMED",
        _ => "PARTIALLY_REDEEMED",
    }
}
