//! Invite links as QR codes.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use domain::mining::ReferralCode;

use super::{HttpState, qr_code as image, unknown_path};

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
    let image = link.and_then(|link| image::svg(&link, "public, max-age=86400"));
    image.unwrap_or_else(unknown_path)
}
