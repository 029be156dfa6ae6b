//! Origins whose pages may call.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderValue, header};
use reqwest::Url;

/// Schemes whose pages send no origin or `null`.
const NOT_OF_PAGES: [&str; 8] = [
    "about",
    "blob",
    "data",
    "file",
    "ftp",
    "javascript",
    "ws",
    "wss",
];

/// The allowed origins, as browsers send them in `Origin`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    listed: Vec<HeaderValue>,
    /// Whether no page under the request's own host may open sockets.
    only_listed: bool,
}

impl Origins {
    /// Parses a list such as `http://localhost:3000`. Returns one sentence per origin that browsers never send.
    pub fn parse(origins: &[impl AsRef<str>]) -> (Self, Vec<String>) {
        let (mut parsed, mut problems) = (Vec::new(), Vec::new());
        for origin in origins {
            match parse(origin.as_ref()) {
                Ok(origin) => parsed.push(origin),
                Err(problem) => problems.push(problem),
            }
        }
        let origins = Self {
            listed: parsed,
            only_listed: false,
        };
        (origins, problems)
    }

    /// Adds the origin of the server's own pages at a URL, which a proxy may serve under another host or port.
    #[must_use]
    pub fn with_page_at(mut self, url: &str) -> Self {
        let origin = Url::parse(url).map(|url| url.origin().ascii_serialization());
        if let Ok(Ok(origin)) = origin.map(HeaderValue::try_from) {
            self.listed.push(origin);
        }
        self
    }

    /// Allows no other origins, not even the request's own host.
    #[must_use]
    pub fn only_listed(self) -> Self {
        Self {
            only_listed: true,
            ..self
        }
    }

    /// The allowed origins.
    pub fn iter(&self) -> impl Iterator<Item = &HeaderValue> {
        self.listed.iter()
    }

    /// Whether a socket may be opened. Browsers send no preflight request for sockets, so the server checks the origin.
    ///
    /// Apps send no origin and are allowed; so is, in development, our own site, whose origin has the request's host:
    /// `localhost` or an IP address, because any other name may have been made to resolve to the server.
    #[must_use]
    pub fn allow_socket(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => true,
            (Some(origin), None) => {
                let host = headers.get(header::HOST);
                let is_own = || is_same_host(origin, host) && host.is_some_and(is_fixed);
                self.listed.contains(origin) || (!self.only_listed && is_own())
            }
            (Some(_), Some(_)) => false,
        }
    }
}

/// An origin as browsers send it: lower case, in Punycode, and without a default port.
fn parse(origin: &str) -> Result<HeaderValue, String> {
    if origin.contains('*') {
        return Err(format!(
            "{origin:?} has a wildcard, which matches no origin: list each origin"
        ));
    }
    let wrong = || {
        format!(
            "{origin:?} is no origin: write scheme, host and port, such as https://admin.example.com or capacitor://localhost"
        )
    };
    let url = Url::parse(origin).map_err(|_| wrong())?;
    let host = url
        .host_str()
        .filter(|host| !host.is_empty())
        .ok_or_else(wrong)?;
    let has_more = !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
        || !matches!(url.path(), "" | "/")
        || origin.ends_with('/');
    if has_more {
        return Err(format!(
            "{origin:?} has more than scheme, host and port, so it matches no origin: remove the rest"
        ));
    }
    let serialized = match url.scheme() {
        "http" | "https" => url.origin().ascii_serialization(),
        scheme if NOT_OF_PAGES.contains(&scheme) => return Err(wrong()),
        // Schemes of apps, whose hosts are not normalized by the parser.
        scheme => {
            let port = url
                .port()
                .map_or_else(String::new, |port| format!(":{port}"));
            format!("{scheme}://{}{port}", host.to_ascii_lowercase())
        }
    };
    HeaderValue::try_from(serialized).map_err(|_| wrong())
}

/// Whether DNS can't make a `Host` resolve to another machine.
fn is_fixed(host: &HeaderValue) -> bool {
    host.to_str().is_ok_and(|host| {
        let name = host_name(host);
        is_localhost(name) || name.parse::<IpAddr>().is_ok()
    })
}

/// Whether a name is `localhost` or below it (RFC 6761, 6.3).
pub(super) fn is_localhost(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost")
}

/// The name or address in a `Host`, without its port and the brackets of IPv6.
pub(super) fn host_name(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, _)) => name,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    }
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

    fn origins(origin: &str) -> (Origins, Vec<String>) {
        Origins::parse(&[origin])
    }

    #[test]
    fn accepts_only_scheme_host_and_port() {
        for bad in [
            "*",
            "https://*.example.com",
            "null",
            "",
            "localhost:3000",
            "https://a.example/",
            "https://a.example/x",
            "https://a.example?x",
            "https://user@a.example",
            "https://a.example:99999",
            "capacitor://localhost/app",
            "app://",
            "ftp://a",
            "file:///a",
            "wss://a",
        ] {
            let (parsed, problems) = origins(bad);
            assert_eq!((parsed, problems.len()), (Origins::default(), 1), "{bad}");
            assert!(!problems[0].contains('\n'), "{bad}");
        }
    }

    #[test]
    fn normalizes_origins_as_browsers_send_them() {
        for (configured, sent) in [
            ("http://localhost:3000", "http://localhost:3000"),
            ("HTTPS://Admin.Example.com", "https://admin.example.com"),
            ("https://admin.example.com:443", "https://admin.example.com"),
            ("http://admin.example.com:80", "http://admin.example.com"),
            (
                "https://admin.example.com:8443",
                "https://admin.example.com:8443",
            ),
            (
                "https://b\u{fc}cher.example",
                "https://xn--bcher-kva.example",
            ),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("capacitor://localhost", "capacitor://localhost"),
            ("ionic://localhost", "ionic://localhost"),
            ("Capacitor://LocalHost", "capacitor://localhost"),
        ] {
            let (parsed, problems) = origins(configured);
            assert_eq!(problems, Vec::<String>::new());
            let sent = HeaderValue::from_static(sent);
            assert_eq!(parsed.listed, [sent], "{configured}");
        }
        let own = Origins::default().with_page_at("https://goodgo.app:8443/api");
        assert_eq!(own.listed, ["https://goodgo.app:8443"]);
    }

    #[test]
    fn allows_sockets_of_listed_sites_our_own_and_apps() {
        let origins = origins("https://admin.example.com").0;
        let ask_at = |host: &'static str, origin: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            origins.allow_socket(&headers)
        };
        let ask = |origin| ask_at("localhost:8080", origin);
        assert!(ask(None));
        assert!(ask(Some("https://admin.example.com")));
        for (host, own) in [
            ("localhost:8080", "http://localhost:8080"),
            ("shop.localhost", "https://shop.localhost"),
            ("192.168.1.5:8080", "http://192.168.1.5:8080"),
            ("[::1]:8080", "http://[::1]:8080"),
        ] {
            assert!(ask_at(host, Some(own)), "{host}");
        }
        let rebound = Some("http://rebound.example:8080");
        assert!(!ask_at("rebound.example:8080", rebound));
        for foreign in [
            "null",
            "https://localhost",
            "https://evil.example",
            "https://admin.example.com.evil.example",
        ] {
            assert!(!ask(Some(foreign)), "{foreign}");
        }
    }

    #[test]
    fn refuses_the_own_host_where_only_listed_origins_count() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("localhost"));
        headers.insert(header::ORIGIN, HeaderValue::from_static("http://localhost"));
        let (development, _) = origins("https://admin.example");
        assert!(development.allow_socket(&headers));
        let production = development.clone().only_listed();
        assert!(!production.allow_socket(&headers));
        headers.insert(
            header::ORIGIN,
            HeaderValue::from_static("https://admin.example"),
        );
        assert!(production.allow_socket(&headers));
        headers.append(
            header::ORIGIN,
            HeaderValue::from_static("http://evil.example"),
        );
        assert!(!production.allow_socket(&headers) && !development.allow_socket(&headers));
    }
}
