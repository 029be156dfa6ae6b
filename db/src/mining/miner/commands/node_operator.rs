//! Granting and revoking the role NODE_OPERATOR. Every other role follows from facts.

use domain::mining::miner::{grant_node_operator, revoke_node_operator};
use domain::mining::{Decided, Miner, MinerRefusal, MinerRefusalKind};

use super::decision::{self, MinerDecision};
use crate::mining::events::MinerEvents;
use crate::mining::miner::role_of;
use crate::prelude::*;

/// Descriptor of [`miner_node_operator_grant`].
pub const MINER_NODE_OPERATOR_GRANT: Command<MinerRefusal> = Command {
    name: "mining.miner_node_operator_grant",
    action: Action::MinerNodeOperatorGrant,
    key: KeyRule::Optional,
    refusals: codes!(MinerRefusalKind: ReasonInvalid, NotFound, OwnAccount, Banned, RoleUnchanged),
};

/// Grants the role; returns the miner's user.
pub async fn miner_node_operator_grant(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<Uuid>> {
    once(tx, request, &MINER_NODE_OPERATOR_GRANT, async |tx, key| {
        let before = decision.lock(tx, key).await?;
        let decided = grant_node_operator(before.clone(), request.person()?.id)?;
        Ok(store(tx, request, key, &before, &decided).await?)
    })
    .await
}

/// Descriptor of [`miner_node_operator_revoke`].
pub const MINER_NODE_OPERATOR_REVOKE: Command<MinerRefusal> = Command {
    name: "mining.miner_node_operator_revoke",
    action: Action::MinerNodeOperatorRevoke,
    key: KeyRule::Optional,
    refusals: codes!(MinerRefusalKind: ReasonInvalid, NotFound, OwnAccount, Banned, RoleUnchanged),
};

/// Revokes the role; returns the miner's user.
pub async fn miner_node_operator_revoke(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<Uuid>> {
    once(tx, request, &MINER_NODE_OPERATOR_REVOKE, async |tx, key| {
        let before = decision.lock(tx, key).await?;
        let by_facts = role_of(tx.conn(), &before, false).await?;
        let decided = revoke_node_operator(before.clone(), by_facts, request.person()?.id)?;
        Ok(store(tx, request, key, &before, &decided).await?)
    })
    .await
}

async fn store(
    tx: &mut Tx,
    request: &Request,
    key: &mut Key,
    before: &Miner,
    decided: &Decided,
) -> Result<Uuid> {
    let mut events = MinerEvents::of(before, None);
    events.role(decided.miner.role);
    let version = events.enqueue(tx, &request.request_id)?;
    decision::store(tx, key, before, decided, version).await?;
    Ok(before.id.user.0)
}
