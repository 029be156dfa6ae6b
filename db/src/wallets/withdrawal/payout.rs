//! Answers of the provider about withdrawals that are processed. A job asks; a provider may answer late, twice or never.

use domain::wallets::withdrawal::{Withdrawal, WithdrawalStatus, retry_after};
use domain::wallets::{Origin, PostingCause, ProviderPayment};

use super::commands::check_unused;
use super::ending::{Cause, Ending, finish};
use super::locks;
use crate::prelude::*;
use crate::schema::withdrawals;

/// The job as the cause of events.
const PAYOUT: &str = "job withdrawal_payout";

/// Answer of a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayoutAnswer {
    /// It takes the withdrawal and does not have to be asked again: FINANCE or a service records the outcome.
    Taken,
    /// It paid.
    Paid(ProviderPayment),
    /// It will never pay, for a reason.
    Rejected(String),
    /// It gave no clear answer in time; it may have paid.
    Unclear,
}

/// Withdrawals whose provider has to be asked now, the longest due first.
pub async fn due(conn: &mut Connection, limit: i64) -> Result<Vec<WithdrawalId>> {
    let now = crate::clock::now(conn).await?;
    let due: Vec<(Uuid, Uuid)> = withdrawals::table
        .filter(withdrawals::next_attempt_at.le(now))
        .order(withdrawals::next_attempt_at)
        .limit(limit)
        .select((withdrawals::owner_id, withdrawals::id))
        .load(conn)
        .await?;
    Ok(due
        .into_iter()
        .map(|(owner, id)| [owner, id].into())
        .collect())
}

/// Takes a withdrawal whose provider is asked next, and postpones the attempt after this one; none when it has ended or is
/// not due any more.
pub async fn claim(tx: &mut Tx, id: WithdrawalId) -> Result<Option<Withdrawal>> {
    let Some(withdrawal) = locks::lock(tx, id).await? else {
        return Ok(None);
    };
    let (attempts, due_at): (i32, Option<Timestamp>) = withdrawals::table
        .find((id.owner.0, id.uuid))
        .select((withdrawals::attempts, withdrawals::next_attempt_at))
        .first(tx.conn())
        .await?;
    let now = tx.now();
    if withdrawal.status != WithdrawalStatus::Processing || due_at.is_none_or(|due| due > now) {
        return Ok(None);
    }
    let pause = retry_after(fit("withdrawals", "attempts", attempts)?);
    ask_again(tx, id, Some(domain::time::plus(now, pause))).await?;
    Ok(Some(withdrawal))
}

/// Records a provider's answer. An answer about a withdrawal that has ended meanwhile has no effect.
pub async fn record(tx: &mut Tx, id: WithdrawalId, answer: &PayoutAnswer) -> Result<()> {
    let Some(withdrawal) = locks::lock(tx, id).await? else {
        return Ok(());
    };
    if withdrawal.status != WithdrawalStatus::Processing {
        let is_another = |paid: &ProviderPayment| withdrawal.payout.as_ref() != Some(paid);
        if matches!(answer, PayoutAnswer::Paid(paid) if is_another(paid)) {
            tracing::error!(withdrawal = %id.uuid, "the provider paid a withdrawal that has ended");
        }
        return Ok(());
    }
    let ending = match answer {
        PayoutAnswer::Taken => {
            ask_again(tx, id, None).await?;
            return Ok(());
        }
        PayoutAnswer::Unclear => return Ok(()),
        PayoutAnswer::Rejected(reason) => Ending::Failed(reason.clone()),
        PayoutAnswer::Paid(payout) => match check_unused(tx, payout).await {
            Ok(()) => Ending::Completed(payout.clone()),
            Err(Stop::Fault(fault)) => return Err(fault),
            Err(_) => {
                tracing::error!(withdrawal = %id.uuid, "the provider's payment belongs to another withdrawal");
                return Ok(());
            }
        },
    };
    let cause = Cause {
        posting: PostingCause::without_caller(Origin::Job),
        id: PAYOUT,
    };
    finish(tx, cause, &withdrawal, ending).await?;
    Ok(())
}

async fn ask_again(tx: &mut Tx, id: WithdrawalId, at: Option<Timestamp>) -> Result<()> {
    let row = locks::in_status(id, WithdrawalStatus::Processing);
    let change = (
        withdrawals::attempts.eq(withdrawals::attempts + i32::from(at.is_some())),
        withdrawals::next_attempt_at.eq(at),
    );
    diesel::update(row).set(change).execute(tx.conn()).await?;
    Ok(())
}
