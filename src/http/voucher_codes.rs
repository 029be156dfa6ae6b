//! Vouchers as QR codes for the till.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use db::promotions::voucher::till;
use serde_json::Value;

use super::links::Signed;
use super::statement::unavailable;
use super::{HttpState, qr_code};
use crate::auth::clock::instance_now;

/// Time for which a token works.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// `/vouchers/{id}/qr.svg`: a token for the till as a QR code, by a signed link of the holder.
pub async fn qr(
    State(state): State<HttpState>,
    Path(id): Path<String>,
    query: Result<Query<Signed>, QueryRejection>,
) -> Response {
    let path = format!("/vouchers/{id}/qr.svg");
    let token = query.map(|Query(signed)| signed.token).unwrap_or_default();
    let link = match state.links.check::<Value>(&path, &token).await {
        Ok(link) => link,
        Err(fault) => return unavailable(&fault),
    };
    let Some((_, voucher)) = link.zip(resolvers::voucher_id(&id)) else {
        let problem = "the link is wrong or has expired: get a new one from `Voucher.qrCodeUrl`";
        let body = axum::Json(serde_json::json!({"error": problem}));
        return (StatusCode::FORBIDDEN, body).into_response();
    };
    let expires_at = instance_now() + LIFETIME;
    let sign = async move |conn: &mut db::Connection| till::sign(conn, voucher, expires_at).await;
    match state.services.db.read(sign).await {
        Ok(token) => {
            let image = qr_code::svg(&token, "no-store");
            image.unwrap_or_else(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())
        }
        Err(fault) => unavailable(&fault),
    }
}
