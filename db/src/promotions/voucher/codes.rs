//! Makes the vouchers of a campaign with codes that are unique on the platform.

use std::collections::BTreeMap;

use diesel::sql_types::{Array, BigInt, Integer, Text as SqlText, Timestamptz, Uuid as SqlUuid};
use domain::promotions::campaign::Campaign;
use domain::promotions::voucher::VoucherCode;

use crate::prelude::*;

/// Rows of one statement, which stays far below the statement timeout.
const AT_ONCE: usize = 10_000;

/// Most rounds of drawing codes. At most one possible code in ten exists, so a round leaves a tenth of the vouchers without.
const ROUNDS: usize = 20;

/// Timeouts while codes are written: a campaign that has drawn the same code and is not committed can take seconds.
const PATIENT: [&str; 2] = ["15s", "16s"];

#[derive(QueryableByName)]
struct Timeouts {
    #[diesel(sql_type = SqlText)]
    lock: String,
    #[diesel(sql_type = SqlText)]
    statement: String,
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = SqlText)]
    code: String,
}

#[derive(QueryableByName)]
struct Existing {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Makes all vouchers of a new campaign. Each round writes its codes in ascending order, so that two campaigns at once
/// hardly ever deadlock; codes that exist are drawn again.
pub(in crate::promotions) async fn make_vouchers(tx: &mut Tx, campaign: &Campaign) -> Result<()> {
    let current = "SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement";
    let usual: Timeouts = diesel::sql_query(current).get_result(tx.conn()).await?;
    set_timeouts(tx, PATIENT).await?;
    let made = draw(tx, campaign).await?;
    // Numbered in the order of the ids, which says nothing about the codes.
    let made: Vec<(i32, (Uuid, VoucherCode))> = (1..).zip(made).collect();
    for rows in made.chunks(AT_ONCE) {
        insert(tx, campaign, rows).await?;
    }
    set_timeouts(tx, [&usual.lock, &usual.statement]).await
}

async fn set_timeouts(tx: &mut Tx, [lock, statement]: [&str; 2]) -> Result<()> {
    let set =
        "SELECT set_config('lock_timeout', $1, true), set_config('statement_timeout', $2, true)";
    diesel::sql_query(set)
        .bind::<SqlText, _>(lock)
        .bind::<SqlText, _>(statement)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Draws a code for each voucher, and writes it into the directory.
async fn draw(tx: &mut Tx, campaign: &Campaign) -> Result<BTreeMap<Uuid, VoucherCode>> {
    let estimate =
        "SELECT reltuples::bigint AS count FROM pg_class WHERE oid = 'voucher_codes'::regclass";
    let existing: Existing = diesel::sql_query(estimate).get_result(tx.conn()).await?;
    let ids = (0..campaign.total_vouchers).map(|_| tx.new_id());
    let mut without: Vec<Uuid> = ids.collect();
    let mut made: BTreeMap<Uuid, VoucherCode> = BTreeMap::new();
    for _ in 0..ROUNDS {
        let mut drawn: BTreeMap<VoucherCode, Uuid> = BTreeMap::new();
        for id in std::mem::take(&mut without) {
            let code = VoucherCode::from_random(tx.ids().bytes(), existing.count);
            // Of two vouchers with one code the earlier one draws again.
            without.extend(drawn.insert(code, id));
        }
        let drawn: Vec<(VoucherCode, Uuid)> = drawn.into_iter().collect();
        for rows in drawn.chunks(AT_ONCE) {
            let taken = take(tx, campaign.id.merchant, rows).await?;
            for (code, id) in rows {
                let is_taken = taken.binary_search_by(|one| one.as_str().cmp(code.as_str()));
                if is_taken.is_ok() {
                    made.insert(*id, code.clone());
                } else {
                    without.push(*id);
                }
            }
        }
        if without.is_empty() {
            return Ok(made);
        }
    }
    let problem = format!("{} codes were drawn in vain", without.len());
    Err(DbError::inconsistent("voucher_codes", "code", problem))
}

/// Inserts codes into the directory; returns those that did not exist, in ascending order.
async fn take(
    tx: &mut Tx,
    merchant: MerchantId,
    rows: &[(VoucherCode, Uuid)],
) -> Result<Vec<String>> {
    let codes: Vec<&str> = rows.iter().map(|(code, _)| code.as_str()).collect();
    let ids: Vec<Uuid> = rows.iter().map(|(_, id)| *id).collect();
    let insert = "INSERT INTO voucher_codes (code, merchant_id, voucher_id)
                  SELECT code, $1, id FROM unnest($2, $3) AS drawn (code, id)
                  ON CONFLICT DO NOTHING RETURNING code";
    let taken: Vec<Taken> = diesel::sql_query(insert)
        .bind::<SqlUuid, _>(merchant.0)
        .bind::<Array<SqlText>, _>(codes)
        .bind::<Array<SqlUuid>, _>(ids)
        .load(tx.conn())
        .await?;
    let mut taken: Vec<String> = taken.into_iter().map(|taken| taken.code).collect();
    taken.sort_unstable();
    Ok(taken)
}

async fn insert(
    tx: &mut Tx,
    campaign: &Campaign,
    rows: &[(i32, (Uuid, VoucherCode))],
) -> Result<()> {
    let numbers: Vec<i32> = rows.iter().map(|(number, _)| *number).collect();
    let ids: Vec<Uuid> = rows.iter().map(|(_, (id, _))| *id).collect();
    let codes: Vec<&str> = rows.iter().map(|(_, (_, code))| code.as_str()).collect();
    let insert = "INSERT INTO vouchers (merchant_id, id, campaign_id, number, code, status, remaining, created_at, updated_at)
                  SELECT $1, id, $2, number, code, 'AVAILABLE', $3, $4, $4
                  FROM unnest($5, $6, $7) AS made (number, id, code)";
    diesel::sql_query(insert)
        .bind::<SqlUuid, _>(campaign.id.merchant.0)
        .bind::<SqlUuid, _>(campaign.id.uuid)
        .bind::<BigInt, _>(campaign.face_value.amount.0)
        .bind::<Timestamptz, _>(campaign.created_at)
        .bind::<Array<Integer>, _>(numbers)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<SqlText>, _>(codes)
        .execute(tx.conn())
        .await?;
    Ok(())
}
