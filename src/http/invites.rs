//! The link of an invitation as a picture that phones read.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::mining::ReferralCode;
use qrcode::QrCode;
use qrcode::render::svg;

use super::{HttpState, unknown_path};

/// Pixels of a side, at least: modules stay whole pixels.
const SIDE: u32 = 256;
/// Nothing of it may run or load, wherever it is opened.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// `/invites/{code}.svg`: a QR code of the link that carries a referral code. The picture follows from the code alone,
/// whether somebody has it or not.
pub async fn qr_code(State(state): State<HttpState>, Path(file): Path<String>) -> Response {
    let code = file.strip_suffix(".svg").and_then(ReferralCode::parse);
    let link = code.map(|code| format!("{}/{}", state.services.share_base_url, code.as_str()));
    // A link is never too long for a QR code, but for one an operator made so.
    let Some(drawn) = link.and_then(|link| QrCode::new(link).ok()) else {
        return unknown_path();
    };
    let picture = drawn.render::<svg::Color<'_>>();
    let picture = { picture }.min_dimensions(SIDE, SIDE).build();
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "public, max-age=86400"),
    ];
    (headers, picture).into_response()
}
