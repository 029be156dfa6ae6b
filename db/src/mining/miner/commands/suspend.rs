//! Suspending a miner.

use domain::access::Action;
use domain::mining::miner::suspend;
use domain::mining::{MinerRefusal, MinerRefusalKind, ReferralStatus};
use uuid::Uuid;

use super::decision::MinerDecision;
use super::status;
use crate::command::{Command, KeyRule, Request, codes};
use crate::idempotency::{Answer, once};
use crate::mining::events::StatusChange;
use crate::{DbError, Tx};

/// Descriptor of [`miner_suspend`].
pub const MINER_SUSPEND: Command<MinerRefusal> = Command {
    name: "mining.miner_suspend",
    action: Action::MinerSuspend,
    key: KeyRule::Optional,
    refusals: codes!(MinerRefusalKind: ReasonInvalid, NotFound, OwnAccount, Suspended, Banned),
};

/// Suspends a miner; its referral becomes inactive. Returns its id.
pub async fn miner_suspend(
    tx: &mut Tx,
    request: &Request,
    decision: &MinerDecision,
) -> Result<Answer<Uuid>, DbError> {
    once(tx, request, &MINER_SUSPEND, async |tx, key| {
        let (by, now) = (request.person()?.id, tx.now());
        let (event, referral) = (StatusChange::Suspended, ReferralStatus::Inactive);
        let rule = |miner, open| suspend(miner, open, by, now);
        status::change(tx, key, request, decision, event, referral, rule).await
    })
    .await
}
