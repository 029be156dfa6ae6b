//! Writes of a posting.

use diesel::sql_types::{
    Array, BigInt, Bool, Nullable, SmallInt, Text as SqlText, Timestamptz, Uuid as SqlUuid,
};
use domain::wallets::{Entry, Posting, WalletKey, WalletState};

use super::locks::{WalletIds, number_of, only};
use crate::last_writes::Text;
use crate::prelude::*;

const INSERT_WALLETS: &str = "INSERT INTO wallets (owner_id, id, owner_kind, currency, kind, for_id, available, held, sequence,
         is_frozen, last_posted_at, created_at, version)
     SELECT n.*, CASE WHEN n.sequence > 0 THEN ? END, ?, 1
     FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         AS n (owner_id, id, owner_kind, currency, kind, for_id, available, held, sequence, is_frozen)
     ON CONFLICT ON CONSTRAINT wallets_owner_key DO NOTHING";
/// Wallets of the owners that `$owners` selects. With a list of owners PostgreSQL would plan the statement anew each time.
macro_rules! update_wallets {
    ($owners:literal) => {
        concat!(
            "UPDATE wallets w
             SET available = n.available, held = n.held, sequence = n.sequence, last_posted_at = ?,
                 version = w.version + 1
             FROM unnest(?, ?, ?, ?, ?) AS n (owner_id, id, available, held, sequence)
             WHERE w.owner_id = n.owner_id AND w.id = n.id AND w.owner_id = ",
            $owners
        )
    };
}
const UPDATE_WALLETS: &str = update_wallets!("?");
const UPDATE_WALLETS_OF_MANY: &str = update_wallets!("ANY(?)");
const INSERT_TRANSFERS: &str = "INSERT INTO transfers (posted_at, owner_id, transaction_id, leg, reason, reference_kind, reference_id,
         origin, correlation_id, caller_issuer, caller, currency, amount, debit_wallet, debit_bucket, debit_sequence, debit_after,
         credit_wallet, credit_bucket, credit_sequence, credit_after)
     SELECT ?, n.* FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) AS n";

/// Rows that a posting writes, column by column.
pub(super) struct Writes {
    posted_at: Timestamp,
    new: NewWallets,
    changed: ChangedWallets,
    transfers: Transfers,
}

#[derive(Default)]
struct NewWallets {
    owner_id: Vec<Uuid>,
    id: Vec<i64>,
    owner_kind: Vec<&'static str>,
    currency: Vec<i16>,
    kind: Vec<&'static str>,
    for_id: Vec<Uuid>,
    available: Vec<i64>,
    held: Vec<i64>,
    sequence: Vec<i64>,
    is_frozen: Vec<bool>,
}

#[derive(Default)]
struct ChangedWallets {
    owner_id: Vec<Uuid>,
    id: Vec<i64>,
    available: Vec<i64>,
    held: Vec<i64>,
    sequence: Vec<i64>,
}

#[derive(Default)]
struct Transfers {
    owner_id: Vec<Uuid>,
    transaction: Vec<Uuid>,
    leg: Vec<i16>,
    reason: Vec<&'static str>,
    reference_kind: Vec<String>,
    reference_id: Vec<String>,
    origin: Vec<&'static str>,
    correlation: Vec<Option<String>>,
    caller_issuer: Vec<Option<String>>,
    caller: Vec<Option<String>>,
    currency: Vec<i16>,
    amount: Vec<i64>,
    debit: Sides,
    credit: Sides,
}

/// Columns of one side.
#[derive(Default)]
struct Sides {
    wallet: Vec<i64>,
    bucket: Vec<&'static str>,
    sequence: Vec<Option<i64>>,
    after: Vec<Option<i64>>,
}

impl Writes {
    /// No rows yet.
    pub fn at(posted_at: Timestamp) -> Self {
        Self {
            posted_at,
            new: NewWallets::default(),
            changed: ChangedWallets::default(),
            transfers: Transfers::default(),
        }
    }

    /// Adds a wallet that does not exist yet.
    pub fn new_wallet(
        &mut self,
        tx: &Tx,
        key: &WalletKey,
        id: i64,
        is_frozen: bool,
        state: WalletState,
    ) -> Result<()> {
        let new = &mut self.new;
        new.owner_id.push(key.owner.id);
        new.id.push(id);
        new.owner_kind.push(key.owner.kind.name());
        new.currency.push(number_of(tx, key.currency)?);
        new.kind.push(key.kind.name());
        new.for_id.push(key.for_id);
        new.available.push(state.available.0);
        new.held.push(state.held.0);
        new.sequence.push(state.sequence);
        new.is_frozen.push(is_frozen);
        Ok(())
    }

    /// Adds a change of a locked wallet.
    pub fn changed_wallet(&mut self, key: &WalletKey, id: i64, state: WalletState) {
        let changed = &mut self.changed;
        changed.owner_id.push(key.owner.id);
        changed.id.push(id);
        changed.available.push(state.available.0);
        changed.held.push(state.held.0);
        changed.sequence.push(state.sequence);
    }

    /// Adds a transfer.
    pub fn transfer(
        &mut self,
        tx: &Tx,
        ids: &WalletIds,
        posting: &Posting,
        leg: usize,
        home: Uuid,
        row: &Entry,
    ) -> Result<()> {
        let transfers = &mut self.transfers;
        transfers.owner_id.push(home);
        transfers.transaction.push(posting.transaction_id.0);
        transfers.leg.push(fit("transfers", "leg", leg)?);
        transfers.reason.push(row.leg.reason.name());
        transfers
            .reference_kind
            .push(posting.reference.kind.clone().into_owned());
        transfers.reference_id.push(posting.reference.id.clone());
        let cause = &posting.cause;
        transfers.origin.push(cause.origin.name());
        transfers.correlation.push(cause.request_id.clone());
        let (issuer, caller) = cause.caller.clone().unzip();
        transfers.caller_issuer.push(issuer);
        transfers.caller.push(caller);
        transfers
            .currency
            .push(number_of(tx, row.leg.debit.wallet.currency)?);
        transfers.amount.push(row.leg.amount.0);
        for (sides, side, written) in [
            (&mut transfers.debit, row.leg.debit, row.debit),
            (&mut transfers.credit, row.leg.credit, row.credit),
        ] {
            let key = side.wallet;
            let house = &tx.constants().house;
            let id = ids
                .get(&key)
                .or_else(|| house.get(&(key.kind, key.currency)));
            let missing = || DbError::inconsistent("wallets", "kind", key.kind.name());
            sides.wallet.push(*id.ok_or_else(missing)?);
            sides.bucket.push(side.bucket.name());
            sides.sequence.push(written.map(|written| written.sequence));
            sides.after.push(written.map(|written| written.after.0));
        }
        Ok(())
    }

    /// Stores all rows at the end of the transaction.
    pub fn store(self, tx: &mut Tx) {
        let posted_at = self.posted_at;
        let (new, changed, transfers) = (self.new, self.changed, self.transfers);
        if !new.id.is_empty() {
            let (rows, insert) = (new.id.len(), new.insert(posted_at, tx.now()));
            tx.write_last_racing("wallets", rows, insert);
        }
        if !changed.id.is_empty() {
            tx.write_last("wallets", changed.id.len(), changed.update(posted_at));
        }
        if !transfers.leg.is_empty() {
            tx.write_last(
                "transfers",
                transfers.leg.len(),
                transfers.insert(posted_at),
            );
        }
    }
}

impl NewWallets {
    fn insert(self, posted_at: Timestamp, created_at: Timestamp) -> Text {
        Text::new(INSERT_WALLETS)
            .bind::<Timestamptz, _>(posted_at)
            .bind::<Timestamptz, _>(created_at)
            .bind::<Array<SqlUuid>, _>(self.owner_id)
            .bind::<Array<BigInt>, _>(self.id)
            .bind::<Array<SqlText>, _>(self.owner_kind)
            .bind::<Array<SmallInt>, _>(self.currency)
            .bind::<Array<SqlText>, _>(self.kind)
            .bind::<Array<SqlUuid>, _>(self.for_id)
            .bind::<Array<BigInt>, _>(self.available)
            .bind::<Array<BigInt>, _>(self.held)
            .bind::<Array<BigInt>, _>(self.sequence)
            .bind::<Array<Bool>, _>(self.is_frozen)
    }
}

impl ChangedWallets {
    fn update(self, posted_at: Timestamp) -> Text {
        let owners = self.owner_id.clone();
        let only = only(&owners);
        let text = only.map_or(UPDATE_WALLETS_OF_MANY, |_| UPDATE_WALLETS);
        let update = Text::new(text)
            .bind::<Timestamptz, _>(posted_at)
            .bind::<Array<SqlUuid>, _>(self.owner_id)
            .bind::<Array<BigInt>, _>(self.id)
            .bind::<Array<BigInt>, _>(self.available)
            .bind::<Array<BigInt>, _>(self.held)
            .bind::<Array<BigInt>, _>(self.sequence);
        match only {
            Some(owner) => update.bind::<SqlUuid, _>(owner),
            None => update.bind::<Array<SqlUuid>, _>(owners),
        }
    }
}

impl Transfers {
    fn insert(self, posted_at: Timestamp) -> Text {
        let Self { debit, credit, .. } = self;
        Text::new(INSERT_TRANSFERS)
            .bind::<Timestamptz, _>(posted_at)
            .bind::<Array<SqlUuid>, _>(self.owner_id)
            .bind::<Array<SqlUuid>, _>(self.transaction)
            .bind::<Array<SmallInt>, _>(self.leg)
            .bind::<Array<SqlText>, _>(self.reason)
            .bind::<Array<SqlText>, _>(self.reference_kind)
            .bind::<Array<SqlText>, _>(self.reference_id)
            .bind::<Array<SqlText>, _>(self.origin)
            .bind::<Array<Nullable<SqlText>>, _>(self.correlation)
            .bind::<Array<Nullable<SqlText>>, _>(self.caller_issuer)
            .bind::<Array<Nullable<SqlText>>, _>(self.caller)
            .bind::<Array<SmallInt>, _>(self.currency)
            .bind::<Array<BigInt>, _>(self.amount)
            .bind::<Array<BigInt>, _>(debit.wallet)
            .bind::<Array<SqlText>, _>(debit.bucket)
            .bind::<Array<Nullable<BigInt>>, _>(debit.sequence)
            .bind::<Array<Nullable<BigInt>>, _>(debit.after)
            .bind::<Array<BigInt>, _>(credit.wallet)
            .bind::<Array<SqlText>, _>(credit.bucket)
            .bind::<Array<Nullable<BigInt>>, _>(credit.sequence)
            .bind::<Array<Nullable<BigInt>>, _>(credit.after)
    }
}
