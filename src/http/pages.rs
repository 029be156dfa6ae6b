//! Pages for browsers: the start page, and the scalars that the schema links to.

use std::sync::LazyLock;

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::HttpState;
use super::graphiql::Graphiql;
use super::static_file::StaticFile;
use crate::config::Environment;

const PAGE: &str = include_str!("page.html");
const SCALARS: &str = include_str!("scalars.html");
const HTML: &str = "text/html; charset=utf-8";

static PAGE_POLICY: LazyLock<String> = LazyLock::new(|| policy_of(PAGE));
static SCALARS_POLICY: LazyLock<String> = LazyLock::new(|| policy_of(SCALARS));
static SCALARS_FILE: LazyLock<StaticFile> = LazyLock::new(|| StaticFile::new(HTML, SCALARS));

/// The start page.
#[derive(Clone, Debug)]
pub enum StartPage {
    /// With links to the configured address.
    Fixed(StaticFile),
    /// With the host of each request, for a server without a configured address.
    PerHost(String),
}

impl StartPage {
    /// The page of an environment. Sections of other environments and of a disabled GraphiQL are left out.
    #[must_use]
    pub fn new(environment: Environment, graphiql: &Graphiql, public_url: Option<&str>) -> Self {
        let is_production = environment == Environment::Production;
        let mut page = PAGE.to_owned();
        for (section, is_shown) in [
            ("development", !is_production),
            ("production", is_production),
            ("graphiql", !matches!(graphiql, Graphiql::Off)),
        ] {
            page = with_section(&page, section, is_shown);
        }
        match public_url {
            Some(url) => {
                let page = page.replace("{{base}}", url);
                Self::Fixed(StaticFile::new(
                    HTML,
                    page.replace("{{link}}", &format!("{url}/")),
                ))
            }
            None => Self::PerHost(page.replace("{{link}}", "")),
        }
    }
}

/// Removes a section's markers, or the section.
fn with_section(page: &str, section: &str, is_shown: bool) -> String {
    let (start, end) = (format!("<!--{section}-->"), format!("<!--/{section}-->"));
    let mut result = String::with_capacity(page.len());
    let mut rest = page;
    while let Some((before, inside)) = rest.split_once(&start) {
        let (inside, after) = inside.split_once(&end).unwrap_or((inside, ""));
        result.push_str(before);
        result.push_str(if is_shown { inside } else { "" });
        rest = after;
    }
    result + rest
}

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
pub async fn index(State(state): State<HttpState>, headers: HeaderMap) -> Response {
    let page = match &state.settings.start_page {
        StartPage::Fixed(file) => file.answer(&headers, "no-cache"),
        StartPage::PerHost(page) => {
            let host = headers
                .get(header::HOST)
                .and_then(|host| host.to_str().ok())
                .filter(|host| is_plain(host))
                .unwrap_or("localhost:8080");
            let headers = [
                (header::CONTENT_TYPE, HTML),
                (header::CACHE_CONTROL, "no-cache"),
                (header::VARY, "host"),
            ];
            let base = format!("http://{host}");
            (headers, page.replace("{{base}}", &base)).into_response()
        }
    };
    under(&PAGE_POLICY, page)
}

/// `/developers/scalars`: an anchor per custom scalar, which `@specifiedBy` of the schema links to.
pub async fn scalars(headers: HeaderMap) -> Response {
    under(&SCALARS_POLICY, SCALARS_FILE.answer(&headers, "no-cache"))
}

fn under(policy: &'static str, page: Response) -> Response {
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::REFERRER_POLICY, "no-referrer"),
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
        assert_eq!(
            with_section("a<!--x-->b<!--/x-->c<!--x-->d<!--/x-->", "x", false),
            "ac"
        );
        assert_eq!(with_section("a<!--x-->b<!--/x-->c", "x", true), "abc");
        assert!(is_plain("localhost:8080") && is_plain("[::1]:8080"));
        assert!(!is_plain("a\"><script>") && !is_plain("$(x)"));
    }
}
