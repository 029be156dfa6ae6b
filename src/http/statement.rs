//! Statements of wallets as CSV, streamed page by page.

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::SecondsFormat;
use csv::{QuoteStyle, Terminator, WriterBuilder};
use db::wallets::LedgerEntry;
use db::wallets::wallet::entries::{self, EntryFilter};
use db::{Db, DbError, Page};
use domain::wallets::WalletKey;
use futures_util::stream::try_unfold;
use resolvers::errors::ApiError;
use resolvers::{StatementLink, wallet_key};

use super::HttpState;
use super::links::Signed;

/// Entries that are read at a time.
const PAGE: u32 = 1_000;

/// A byte order mark: without it, spreadsheets take the text for another encoding.
const MARK: &str = "\u{feff}";

const COLUMNS: [&str; 11] = [
    "sequence",
    "postedAt",
    "side",
    "bucket",
    "amount",
    "currency",
    "balanceAfter",
    "reason",
    "referenceType",
    "referenceId",
    "transactionId",
];

/// `/wallets/{id}/statement.csv`: the entries of a period, oldest first, by a signed link.
pub async fn csv(
    State(state): State<HttpState>,
    Path(id): Path<String>,
    query: Result<Query<Signed>, QueryRejection>,
) -> Response {
    let path = format!("/wallets/{id}/statement.csv");
    let token = query.map(|Query(signed)| signed.token).unwrap_or_default();
    let link = match state.links.check::<StatementLink>(&path, &token).await {
        Ok(link) => link,
        Err(fault) => return unavailable(&fault),
    };
    let Some((link, key)) = link.zip(wallet_key(&id)) else {
        let problem = "the link is wrong or has expired: get a new one from `Wallet.statementUrl`";
        let body = axum::Json(serde_json::json!({"error": problem}));
        return (StatusCode::FORBIDDEN, body).into_response();
    };
    let filter = EntryFilter {
        from: link.from,
        until: link.until,
        ..EntryFilter::default()
    };
    let db = state.services.db.at_primary();
    // The first page is read before the answer begins, so that a fault is an answer of its own.
    let first = match read(&db, key, &filter, 0).await {
        Ok(first) => first,
        Err(fault) => return unavailable(&fault),
    };
    let head = Bytes::from(format!("{MARK}{}\r\n", COLUMNS.join(",")));
    let pages = try_unfold((Some(first), Some(head)), move |(page, head)| {
        let (db, filter) = (db.clone(), filter.clone());
        async move {
            if let Some(head) = head {
                return Ok(Some((head, (page, None))));
            }
            let Some(entries) = page else {
                return Ok(None);
            };
            let rows = rows(&entries)?;
            let next = match last_sequence(&entries) {
                Some(last) if entries.len() >= PAGE as usize => {
                    // Earlier partitions need not be looked at again.
                    let filter = EntryFilter {
                        from: entries.last().map(|last| last.transfer.posted_at),
                        ..filter
                    };
                    Some(read(&db, key, &filter, last).await.map_err(broken)?)
                }
                _ => None,
            };
            Ok::<_, std::io::Error>(Some((rows, (next, None))))
        }
    });
    let from = link.from.map(|from| format!("-{}", from.date_naive()));
    let name = format!(
        "attachment; filename=\"statement-{}{}.csv\"",
        key.currency,
        from.unwrap_or_default()
    );
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, name),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    (headers, Body::from_stream(pages)).into_response()
}

/// The answer while the database can't be read.
pub fn unavailable(fault: &DbError) -> Response {
    // Logs the fault.
    drop(ApiError::from(fault));
    let body = axum::Json(serde_json::json!({"error": "the file can't be made now: retry"}));
    (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
}

/// A fault after the answer began, which ends the stream.
fn broken(fault: DbError) -> std::io::Error {
    drop(ApiError::from(&fault));
    std::io::Error::other(fault)
}

/// The entries behind a sequence number, oldest first.
async fn read(
    db: &Db,
    key: WalletKey,
    filter: &EntryFilter,
    after: i64,
) -> Result<Vec<LedgerEntry>, DbError> {
    let page = Page {
        from_end: true,
        before: Some(after),
        ..Page::first(PAGE)
    };
    let (of, filter) = (db.clone(), filter.clone());
    let read = db.read(async move |conn| entries::pages(&of, conn, &[key], &filter, &page).await);
    let pages = read.await?.into_iter();
    let mut entries: Vec<_> = pages.flat_map(|(_, slice)| slice.items).collect();
    entries.reverse();
    Ok(entries)
}

fn last_sequence(entries: &[LedgerEntry]) -> Option<i64> {
    let last = entries.last()?.side().after?;
    Some(last.0)
}

fn rows(entries: &[LedgerEntry]) -> std::io::Result<Bytes> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .quote_style(QuoteStyle::Necessary)
        .from_writer(Vec::new());
    for entry in entries {
        let (transfer, side) = (&entry.transfer, entry.side());
        let (sequence, balance) = side.after.unzip();
        writer.write_record([
            sequence
                .map(|number| number.to_string())
                .unwrap_or_default(),
            transfer
                .posted_at
                .to_rfc3339_opts(SecondsFormat::Micros, true),
            if entry.is_credit { "CREDIT" } else { "DEBIT" }.to_owned(),
            side.bucket.name().to_owned(),
            transfer.amount.to_decimal().to_string(),
            transfer.amount.currency.code.to_string(),
            balance
                .map(|balance| balance.to_decimal().to_string())
                .unwrap_or_default(),
            transfer.reason.name().to_owned(),
            no_formula(&transfer.reference_kind),
            no_formula(&transfer.reference_id),
            transfer.key.transaction.0.to_string(),
        ])?;
    }
    let rows = writer
        .into_inner()
        .map_err(csv::IntoInnerError::into_error)?;
    Ok(rows.into())
}

/// Text that a spreadsheet does not take for a formula: an apostrophe makes it text.
fn no_formula(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_text_of_formulas() {
        for (text, safe) in [
            ("=1+2", "'=1+2"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@sum", "'@sum"),
            ("bet-7", "bet-7"),
            ("", ""),
        ] {
            assert_eq!(no_formula(text), safe);
        }
    }
}
