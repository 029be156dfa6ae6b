//! Root fields of Mutation about conversions and rates.

use db::wallets::conversion::commands::{self, ConversionDone, ConversionDraft};
use domain::wallets::conversion::{Expected, RateKey};

use super::objects::Conversion;
use super::rates::RateSnapshot;
use super::refusals::ConversionUserError;
use crate::prelude::*;
use crate::scalars::CurrencyCode;
use crate::wallets::configuration::objects::MoneyInput;
use crate::wallets::inputs::{ExternalId, Notes};
use crate::wallets::wallet::transactions::Transaction;

mutations! {
    /// Commands on conversions and rates.
    ConversionMutation;

    /// Converts an amount between two of a user's wallets at the rate in use.
    conversion_execute = commands::CONVERSION_EXECUTE, |call| {
        let input = call.input;
        let draft = ConversionDraft {
            user: input.user_id.map(Into::into),
            amount: input.amount.parts(),
            to: input.to.0,
            expected: Expected {
                rate: input.rate_snapshot_id.as_ref().map(|id| id.key),
                least: input.min_to_amount.map(|least| least.0),
            },
            external_id: input.external_id.as_ref().map(|id| id.0.clone()),
            metadata: input.metadata.0.clone(),
        };
        async move { commands::conversion_execute(call.tx, call.request, &draft).await }.boxed()
    };
    ConversionExecuteInput(Required) {
        /// Amount to give, above 0.
        amount: MoneyInput,
        /// Key of the conversion, 1 to 128 characters, unique per caller and user; null without one.
        external_id: Option<ExternalId>,
        /// Notes, at most 20 and 2 KB in all.
        #[graphql(default)]
        metadata: Notes,
        /// Smallest amount to receive, above 0 and no finer than the smallest unit of `to`; null for any.
        min_to_amount: Option<Decimal>,
        /// `RateSnapshot` that must be in use; null for any.
        rate_snapshot_id: Option<Id<RateSnapshot>>,
        /// Currency to receive.
        to: CurrencyCode,
        /// Person to convert for: required for services, null for the caller's own wallets.
        user_id: Option<OwnerKey>,
    }
    ConversionExecutePayload(ConversionUserError) = |ctx, done: ConversionDone| {
        /// The conversion; null when refused.
        conversion: Loaded<Conversion> = load(ctx, done.conversion.into()).await,
        /// Ledger transaction of the command, the same on a retry; null when nothing was posted.
        transaction: Loaded<Transaction> =
            Transaction::load_commanded(ctx, done.transaction, [done.conversion[0]]).await,
    }

    /// Records a rate of a pair, which is used from then on unless it jumped, or drifted within an hour: see `RateStatus`.
    rate_record = commands::RATE_RECORD, |call| {
        let input = call.input;
        let pair = (input.from.0, input.to.0);
        let observed_at = input.observed_at.map(|at| at.0);
        commands::rate_record(call.tx, call.request, pair, input.rate.0, observed_at).boxed()
    };
    RateRecordInput(Optional) {
        /// Currency that is given.
        from: CurrencyCode,
        /// Time the rate was observed; null for now.
        observed_at: Option<DateTime>,
        /// Units of `to` for one unit of `from`, above 0, at most 12 decimals.
        rate: Decimal,
        /// Currency that is received.
        to: CurrencyCode,
    }
    RateRecordPayload(ConversionUserError) = |ctx, id: Uuid| {
        /// The recorded rate; null when refused.
        rate: Loaded<RateSnapshot> = load(ctx, RateKey::Recorded(id)).await,
    }

    /// Accepts a rate that waits, recorded by somebody else.
    rate_accept = commands::RATE_ACCEPT, |call| {
        let (id, reason) = (call.input.rate_snapshot_id.key, &call.input.reason);
        commands::rate_accept(call.tx, call.request, id, reason).boxed()
    };
    RateAcceptInput(Optional) {
        /// Rate with status WAITING.
        rate_snapshot_id: Id<RateSnapshot>,
        /// Reason for the audit log, 1 to 500 characters.
        reason: String,
    }
    RateAcceptPayload(ConversionUserError) = |ctx, id: Uuid| {
        /// The accepted rate; null when refused.
        rate: Loaded<RateSnapshot> = load(ctx, RateKey::Recorded(id)).await,
    }
}
