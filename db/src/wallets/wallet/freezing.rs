//! Freezing of owners: a frozen owner's wallets refuse debits and accept credits.

use std::collections::BTreeSet;

use diesel::dsl::Find;
use domain::wallets::WalletOwner;
use domain::wallets::wallet::{FreezeCause, Freezes, freeze};
use serde::Serialize;

use crate::outbox::SubjectEvents;
use crate::prelude::*;
use crate::schema::{owners, wallets};

/// An event of an owner. `docs/EVENTS.md` documents them.
#[derive(Serialize)]
#[serde(tag = "name", content = "payload")]
pub(super) enum OwnerEvent {
    WalletsFrozen(FreezeChanged),
    WalletsUnfrozen(FreezeChanged),
}

/// Payload of the events of a freeze.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FreezeChanged {
    owner_kind: &'static str,
    owner_id: Uuid,
    cause: &'static str,
    causes: Vec<&'static str>,
}

/// A locked owner.
pub(super) struct LockedOwner {
    owner: WalletOwner,
    /// Causes for which it is frozen.
    pub freezes: Freezes,
    version: i64,
}

type OwnerRow = Find<owners::table, (Uuid, &'static str)>;

fn row_of(owner: WalletOwner) -> OwnerRow {
    owners::table.find((owner.id, owner.kind.name()))
}

/// Whether an owner is frozen now; one without a row is not.
pub(in crate::wallets) async fn is_frozen(
    conn: &mut Connection,
    owner: WalletOwner,
) -> Result<bool> {
    let found: Option<bool> = row_of(owner)
        .select(owners::is_frozen)
        .first(conn)
        .await
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// Locks an owner. One without a row is [`DbError::UnknownOwners`], after which the command is run again.
pub(super) async fn lock(conn: &mut Connection, owner: WalletOwner) -> Result<LockedOwner> {
    let found: Option<(Vec<String>, i64)> = row_of(owner)
        .select((owners::freezes, owners::version))
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    let (freezes, version) = found.ok_or_else(|| DbError::UnknownOwners(vec![owner.into()]))?;
    Ok(LockedOwner {
        owner,
        freezes: read(&freezes)?,
        version,
    })
}

/// Reads the stored causes.
pub(super) fn read(names: &[String]) -> Result<Freezes> {
    let names = names.iter();
    names
        .map(|name| read_name("owners", "freezes", name))
        .collect()
}

/// Names of causes, in their order.
pub(super) fn names(freezes: &Freezes) -> Vec<&'static str> {
    freezes.iter().map(|cause| cause.name()).collect()
}

/// Stores the causes in force of a locked owner, with the event of the one that was added or lifted. All wallets of the
/// owner are locked in ascending order if the owner is frozen or no longer frozen by it. The owner's row is locked first:
/// a transaction that creates a wallet meanwhile either commits before or sees the freeze.
pub(super) async fn store(
    tx: &mut Tx,
    request_id: &str,
    locked: &LockedOwner,
    after: &Freezes,
    cause: FreezeCause,
) -> Result<()> {
    let LockedOwner {
        owner,
        freezes: before,
        version,
    } = locked;
    let mut events = SubjectEvents::new("owner", owner.id, *version);
    events.audience = owner.user();
    let changed = FreezeChanged {
        owner_kind: owner.kind.name(),
        owner_id: owner.id,
        cause: cause.name(),
        causes: names(after),
    };
    events.push(if after.contains(&cause) {
        OwnerEvent::WalletsFrozen(changed)
    } else {
        OwnerEvent::WalletsUnfrozen(changed)
    });
    let version = events.enqueue(tx, request_id)?;
    let is_frozen = !after.is_empty();
    diesel::update(row_of(*owner))
        .set((
            owners::freezes.eq(names(after)),
            owners::is_frozen.eq(is_frozen),
            owners::version.eq(version),
        ))
        .execute(tx.conn())
        .await?;
    if is_frozen != before.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = wallets::table
        .filter(wallets::owner_id.eq(owner.id))
        .filter(wallets::owner_kind.eq(owner.kind.name()))
        .filter(wallets::is_frozen.ne(is_frozen))
        .order(wallets::id)
        .select(wallets::id)
        .for_no_key_update()
        .load(tx.conn())
        .await?;
    let found = wallets::table
        .filter(wallets::owner_id.eq(owner.id))
        .filter(wallets::id.eq_any(ids));
    diesel::update(found)
        .set((
            wallets::is_frozen.eq(is_frozen),
            wallets::version.eq(wallets::version + 1),
        ))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Freezes an owner and all their wallets for a cause; one that is frozen for it stays so.
pub(crate) async fn freeze_all_of(
    tx: &mut Tx,
    request: &Request,
    owner: WalletOwner,
    cause: FreezeCause,
) -> Result<()> {
    let locked = lock(tx.conn(), owner).await?;
    match freeze(&locked.freezes, cause) {
        Ok(after) => store(tx, &request.request_id, &locked, &after, cause).await,
        Err(_) => Ok(()),
    }
}

/// Causes for which owners are frozen; an owner without a row is not frozen.
pub async fn freezes_of(
    conn: &mut Connection,
    wanted: &[WalletOwner],
) -> Result<Vec<(WalletOwner, Freezes)>> {
    let ids: BTreeSet<Uuid> = wanted.iter().map(|owner| owner.id).collect();
    let rows: Vec<(Uuid, String, Vec<String>)> = owners::table
        .filter(owners::owner_id.eq_any(ids))
        .select((owners::owner_id, owners::owner_kind, owners::freezes))
        .load(conn)
        .await?;
    let freezes = wanted.iter().map(|owner| {
        let row = rows
            .iter()
            .find(|(id, kind, _)| *id == owner.id && kind == owner.kind.name());
        let freezes = row.map(|(.., names)| read(names)).transpose()?;
        Ok((*owner, freezes.unwrap_or_default()))
    });
    freezes.collect()
}
