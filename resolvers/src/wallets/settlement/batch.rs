//! `holdBatchSettle`: its payload has a result per settlement, also when it is refused.

use std::collections::HashSet;

use async_graphql::{InputType, InputValueError, InputValueResult, SimpleObject, Value};
use db::wallets::settlement::commands;

use super::mutations::HoldSettlementInput;
use super::objects::Settlement;
use super::refusals::SettlementUserError;
use crate::command::{CommandInput, outcome};
use crate::delegation::input_like;
use crate::inputs::Parsed;
use crate::prelude::*;
use crate::user_errors::UserErrorType;

/// Most settlements of a batch.
const MOST_SETTLEMENTS: usize = 500;
/// Most payouts of a batch.
const MOST_PAYOUTS: usize = 1_000;

/// Settlements of a batch.
pub struct Settlements(Vec<HoldSettlementInput>);

impl InputType for Settlements {
    input_like!(Vec<HoldSettlementInput>);

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let settlements = Vec::<HoldSettlementInput>::parse(value);
        let settlements = settlements.map_err(InputValueError::propagate)?;
        let holds: HashSet<HoldId> = settlements.iter().map(|one| one.hold_id.key).collect();
        let payouts = settlements
            .iter()
            .map(|one| one.payouts.as_ref().map_or(1, Vec::len));
        if !(1..=MOST_SETTLEMENTS).contains(&settlements.len()) {
            Err(InputValueError::custom("give 1 to 500 settlements"))
        } else if holds.len() < settlements.len() {
            Err(InputValueError::custom("give each hold once"))
        } else if payouts.sum::<usize>() > MOST_PAYOUTS {
            Err(InputValueError::custom(
                "give at most 1000 payouts in all; a WIN without payouts counts as one",
            ))
        } else {
            Ok(Self(settlements))
        }
    }

    fn to_value(&self) -> Value {
        self.0.to_value()
    }
}

/// Input of `holdBatchSettle`.
#[derive(InputObject)]
pub struct HoldBatchSettleInput {
    /// Settlements, 1 to 500, each hold once, at most 1,000 payouts in all (a WIN without payouts counts as one).
    pub settlements: Settlements,
    /// Key of this intent.
    pub idempotency_key: String,
}

impl CommandInput for HoldBatchSettleInput {
    fn idempotency_key(&self) -> Option<&str> {
        Some(&self.idempotency_key)
    }
}

/// Result of one settlement of a batch.
#[derive(SimpleObject)]
pub struct HoldSettlementResult {
    /// The settlement with its receipt and the settled hold; null when the batch is refused.
    pub settlement: Edge<Settlement>,
    /// Refusals of the item, those of `holdSettle` or NOT_APPLIED; empty on success.
    pub user_errors: Vec<SettlementUserError>,
}

/// Result of `holdBatchSettle`.
#[derive(SimpleObject)]
pub struct HoldBatchSettlePayload {
    /// Results in the order of the settlements, also when refused.
    pub results: Vec<HoldSettlementResult>,
    /// Refusals; empty on success.
    pub user_errors: Vec<SettlementUserError>,
}

/// The command on several settlements.
#[derive(Default)]
pub struct SettlementBatchMutation;

#[Object]
impl SettlementBatchMutation {
    /// Settles up to 500 holds together, all or none: first every hold goes to its clearing account, then every payout
    /// leaves; codes of single items are in `results`.
    async fn hold_batch_settle(
        &self,
        ctx: &Context<'_>,
        input: Parsed<HoldBatchSettleInput>,
    ) -> Loaded<HoldBatchSettlePayload> {
        Some(settle(ctx, input).await)
    }
}

async fn settle(
    ctx: &Context<'_>,
    input: Parsed<HoldBatchSettleInput>,
) -> Result<HoldBatchSettlePayload> {
    let outcome = outcome(ctx, &commands::HOLD_BATCH_SETTLE, input, |call| {
        let drafts: Vec<_> = call
            .input
            .settlements
            .0
            .iter()
            .map(HoldSettlementInput::draft)
            .collect();
        async move { commands::hold_batch_settle(call.tx, call.request, &drafts).await }.boxed()
    });
    let refused = match outcome.await? {
        Ok(settled) => {
            let results = settled.into_iter().map(|one| HoldSettlementResult {
                settlement: Edge::to(one.settlement.into()),
                user_errors: Vec::new(),
            });
            return Ok(HoldBatchSettlePayload {
                results: results.collect(),
                user_errors: Vec::new(),
            });
        }
        Err(refused) => refused,
    };
    let results = refused.items.iter().map(|item| {
        Ok(HoldSettlementResult {
            settlement: Edge(None),
            user_errors: vec![SettlementUserError::of(ctx, item)?],
        })
    });
    Ok(HoldBatchSettlePayload {
        results: results.collect::<Result<_>>()?,
        user_errors: vec![SettlementUserError::of(ctx, &refused)?],
    })
}
