//! Pages for browsers: the start page, and the scalars that the schema links to.

use std::sync::LazyLock;

use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("page.html");
const SCALARS: &str = include_str!("scalars.html");

static PAGE_POLICY: LazyLock<String> = LazyLock::new(|| policy_of(PAGE));
static SCALARS_POLICY: LazyLock<String> = LazyLock::new(|| policy_of(SCALARS));

/// Allows only the page's own style.
fn policy_of(page: &str) -> String {
    let style = page
        .split_once("<style>")
        .and_then(|(_, rest)| rest.split_once("</style>"))
        .map_or("", |(style, _)| style);
    let hash = STANDARD.encode(Sha256::digest(style));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
}

/// Shows what the server is and how to use it.
pub async fn index(headers: HeaderMap) -> Response {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .filter(|host| is_plain(host))
        .unwrap_or("localhost:8080");
    let page = PAGE.replace("{{host}}", host);
    ([(header::VARY, "host")], html(&PAGE_POLICY, page)).into_response()
}

/// `/developers/scalars`: an anchor per custom scalar, which `@specifiedBy` of the schema links to.
pub async fn scalars() -> Response {
    html(&SCALARS_POLICY, SCALARS)
}

fn html(policy: &'static str, page: impl IntoResponse) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, page).into_response()
}

/// Whether a host needs no escaping in HTML and in a shell.
fn is_plain(host: &str) -> bool {
    host.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_load_nothing_from_elsewhere() {
        for (page, policy) in [(PAGE, &PAGE_POLICY), (SCALARS, &SCALARS_POLICY)] {
            assert!(policy.contains("'sha256-"));
            for outside in ["src=", "<script", "<link", "style=\"", "@import", "url("] {
                assert!(!page.contains(outside), "{outside}");
            }
        }
        assert!(is_plain("localhost:8080") && is_plain("[::1]:8080"));
        assert!(!is_plain("a\"><script>") && !is_plain("$(x)"));
    }
}
