//! Restoring a suspended miner.

use domain::access::Action;
use domain::mining::miner::restore;
use domain::mining::{MinerRefusal, MinerRefusalKind, ReferralStatus};
use uuid::Uuid;

use super::decision::MinerDecision;
use super::status;
use crate::command::{Command, KeyRule, Request, codes};
use crate::idempotency::{Answer, once};
use crate::mining::configuration;
use crate::mining::events::StatusChange;
use crate::{DbError, Tx};

/// Descriptor of [`miner_restore`].
pub const MINER_RESTORE: Command<MinerRefusal> = Command {
    name: "mining.miner_restore",
    action: Action::MinerRestore,
    key: KeyRule::Optional,
    refusals: codes!(MinerRefusalKind: ReasonInvalid, NotFound, OwnAccount, NotSuspended, Banned),
};

/// Restores a suspended miner: streak and claim window continue where they stopped, and its referral becomes active.
/// Returns its id.
pub async fn miner_restore(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<Uuid>, DbError> {
    once(tx, request, &MINER_RESTORE, async |tx, key| {
        let (by, now) = (request.person()?.id, tx.now());
        let configuration = configuration::in_force(tx.conn()).await?;
        let (event, referral) = (StatusChange::Restored, ReferralStatus::Active);
        let rule = |miner, open| restore(miner, open, by, &configuration, now);
        status::change(tx, key, request, decision, event, referral, rule).await
    })
    .await
}
