//! Answers of the provider about withdrawals that are processed. A job asks; a provider may answer late, twice or never.

use domain::wallets::withdrawal::{Withdrawal, WithdrawalStatus, retry_after};
use domain::wallets::{Origin, ProviderPayment};

use super::commands::check_unused;
use super::ending::{Cause, Ending, finish};
use super::locks;
use super::rows::WithdrawalRow;
use crate::Db;
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
pub async fn due(db: &Db, conn: &mut Connection, limit: i64) -> Result<Vec<Withdrawal>> {
    let now = crate::clock::now(conn).await?;
    let rows: Vec<WithdrawalRow> = WithdrawalRow::query()
        .filter(withdrawals::next_attempt_at.le(now))
        .order(withdrawals::next_attempt_at)
        .limit(limit)
        .load(conn)
        .await?;
    let currencies = db.currencies();
    let due = rows.into_iter().map(|row| row.into_withdrawal(currencies));
    due.collect()
}

/// Records a provider's answer. An answer about a withdrawal that has ended meanwhile has no effect.
pub async fn record(tx: &mut Tx, id: WithdrawalId, answer: &PayoutAnswer) -> Result<()> {
    let withdrawal = locks::lock(tx, id).await?;
    let is_open = |withdrawal: &Withdrawal| withdrawal.status == WithdrawalStatus::Processing;
    let Some(withdrawal) = withdrawal.filter(is_open) else {
        return Ok(());
    };
    let ending = match answer {
        PayoutAnswer::Taken => {
            ask_again(tx, id, None).await?;
            return Ok(());
        }
        PayoutAnswer::Unclear => return postpone(tx, id).await,
        PayoutAnswer::Rejected(reason) => Ending::Failed(reason.clone()),
        PayoutAnswer::Paid(payout) => match check_unused(tx, payout).await {
            Ok(()) => Ending::Completed(payout.clone()),
            Err(Stop::Fault(fault)) => return Err(fault),
            Err(_) => {
                tracing::error!(withdrawal = %id.uuid, "the provider's payment belongs to another withdrawal");
                return postpone(tx, id).await;
            }
        },
    };
    let cause = Cause {
        origin: Origin::Job,
        id: PAYOUT,
    };
    finish(tx, cause, &withdrawal, ending).await?;
    Ok(())
}

/// Asks the provider again later, each time after a longer pause.
async fn postpone(tx: &mut Tx, id: WithdrawalId) -> Result<()> {
    let row = withdrawals::table.find((id.owner.0, id.uuid));
    let attempts: i32 = row.select(withdrawals::attempts).first(tx.conn()).await?;
    let pause = retry_after(fit("withdrawals", "attempts", attempts)?);
    let at = domain::time::plus(tx.now(), pause);
    ask_again(tx, id, Some(at)).await
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
