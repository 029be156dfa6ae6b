//! Invite links as QR codes.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::mining::ReferralCode;
use qrcode::QrCode;
use qrcode::render::svg;

use super::{HttpState, unknown_path};

/// Minimum of pixels per side. Modules are whole pixels.
const SIDE: u32 = 256;
/// Forbids scripts and loading wherever the image is opened.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// `/invites/{code}.svg`: a QR code of the invite link. It doesn't depend on whether the referral code exists.
pub async fn qr_code(
    State(state): State<HttpState>,
    file: Result<Path<String>, PathRejection>,
) -> Response {
    let file = file.ok().map(|Path(file)| file);
    let code = file.as_deref().and_then(|file| file.strip_suffix(".svg"));
    let code = code.and_then(ReferralCode::parse);
    let share = &state.settings.referral_urls.share;
    let link = code.map(|code| format!("{share}/{}", code.as_str()));
    // Only a long SHARE_BASE_URL makes a link too long for a QR code.
    let Some(code) = link.and_then(|link| QrCode::new(link).ok()) else {
        return unknown_path();
    };
    let image = code.render::<svg::Color<'_>>();
    let image = { image }.min_dimensions(SIDE, SIDE).build();
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "public, max-age=86400"),
    ];
    (headers, image).into_response()
}
