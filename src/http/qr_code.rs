//! QR codes as images.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use qrcode::QrCode;
use qrcode::render::svg;

/// Minimum of pixels per side. Modules are whole pixels.
const SIDE: u32 = 256;
/// Forbids scripts and loading wherever the image is opened.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'; sandbox";

/// A text as a QR code in SVG; none for a text that is too long.
pub fn svg(text: &str, cache: &'static str) -> Option<Response> {
    let code = QrCode::new(text).ok()?;
    let image = code.render::<svg::Color<'_>>();
    let image = { image }.min_dimensions(SIDE, SIDE).build();
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("image/svg+xml"),
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(POLICY),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
    ];
    Some((headers, image).into_response())
}
