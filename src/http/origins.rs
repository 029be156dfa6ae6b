//! Origins whose pages may call.

use anyhow::{Context, ensure};
use axum::http::{HeaderMap, HeaderValue, Uri, header};

/// The allowed origins, as browsers send them in `Origin`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Vec<HeaderValue>);

impl Origins {
    /// Parses a list such as `http://localhost:3000`.
    pub fn new(origins: &[impl AsRef<str>]) -> anyhow::Result<Self> {
        origins
            .iter()
            .map(|origin| parse(origin.as_ref()))
            .collect::<anyhow::Result<_>>()
            .map(Self)
    }

    /// The allowed origins.
    pub fn iter(&self) -> impl Iterator<Item = &HeaderValue> {
        self.0.iter()
    }

    /// Whether a socket may be opened. Browsers send no preflight request for sockets, so the server checks the origin.
    ///
    /// Apps send no origin and are allowed; so is our own site, whose origin has the request's host.
    #[must_use]
    pub fn allow_socket(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return true;
        };
        self.0.contains(origin) || is_same_host(origin, headers.get(header::HOST))
    }
}

fn parse(origin: &str) -> anyhow::Result<HeaderValue> {
    let wrong = || format!("{origin:?} is no origin: write one like https://admin.example.com");
    let uri: Uri = origin.parse().with_context(wrong)?;
    let is_origin = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.authority().is_some()
        && !origin.ends_with('/')
        && uri.path_and_query().is_none_or(|path| path == "/");
    ensure!(is_origin, wrong());
    HeaderValue::from_str(&origin.to_ascii_lowercase()).with_context(wrong)
}

/// Whether an origin has this host.
pub(super) fn is_same_host(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let host = host.and_then(|host| host.to_str().ok());
    let origin = origin.to_str().ok().and_then(|origin| {
        let (scheme, host) = origin.split_once("://")?;
        matches!(scheme, "http" | "https").then_some(host)
    });
    match (origin, host) {
        (Some(origin), Some(host)) => origin.eq_ignore_ascii_case(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_scheme_host_and_port() {
        for good in ["http://localhost:3000", "https://admin.example.com"] {
            assert!(Origins::new(&[good]).is_ok(), "{good}");
        }
        for bad in [
            "*",
            "null",
            "",
            "localhost:3000",
            "https://a.example/",
            "https://a.example/x",
            "ftp://a",
        ] {
            assert!(Origins::new(&[bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn allows_sockets_of_listed_sites_our_own_and_apps() {
        let origins = Origins::new(&["https://admin.example.com"]).unwrap();
        let ask = |origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(
                header::HOST,
                HeaderValue::from_static("api.example.com:8080"),
            );
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            origins.allow_socket(&headers)
        };
        assert!(ask(None));
        assert!(ask(Some("https://admin.example.com")));
        assert!(ask(Some("http://api.example.com:8080")));
        for foreign in [
            "null",
            "https://api.example.com",
            "https://evil.example",
            "https://admin.example.com.evil.example",
        ] {
            assert!(!ask(Some(foreign)), "{foreign}");
        }
    }
}
