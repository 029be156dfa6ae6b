//! Tokens of the demo people for GraphiQL. Development only.
//!
//! Tokens are returned only to our own page in a browser on this machine, not to other sites and not to host names that
//! were made to resolve to this machine (DNS rebinding).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::super::HttpState;
use super::super::origins::{host_name, is_localhost, is_same_host};
use crate::auth::demo::DemoTokens;

/// The lifetime of a token.
const LIFETIME: TimeDelta = TimeDelta::hours(24);

/// Headers of proxies, and the beginnings of their names. A client behind a proxy may be on another machine.
const FORWARDED: [&str; 11] = [
    "cdn-loop",
    "cf-",
    "client-ip",
    "fastly-",
    "forwarded",
    "true-client-ip",
    "via",
    "x-client",
    "x-cluster-client",
    "x-envoy-",
    "x-forward",
];

/// Words within other names of their headers, such as `x-real-ip` and `x-original-host`.
const FORWARDED_WITHIN: [&str; 3] = ["-real-ip", "-original-", "-proxy"];

/// Makes the tokens, and knows the host of the page.
#[derive(derive_more::Debug)]
#[debug("DemoPeople")]
pub struct DemoPeople {
    /// Signs the tokens.
    pub tokens: DemoTokens,
    /// The configured listening host.
    pub host: String,
}

/// The names of the demo people with new tokens.
pub async fn list(
    people: Arc<DemoPeople>,
    State(state): State<HttpState>,
    request: Request,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let is_local = peer.is_some_and(|ConnectInfo(peer)| peer.ip().to_canonical().is_loopback());
    if !is_local || !is_own_page(request.headers(), &people.host) {
        let body = json!({"error": "this is for GraphiQL in a browser on the same machine: use goodgo token --as bob"});
        return write(StatusCode::FORBIDDEN, body);
    }
    match mint(&people.tokens, &state).await {
        Ok(body) => write(StatusCode::OK, body),
        Err(error) => {
            tracing::error!("The demo people can't be listed: {error:#}");
            let body = json!({"error": "the demo people can't be listed"});
            write(StatusCode::INTERNAL_SERVER_ERROR, body)
        }
    }
}

async fn mint(tokens: &DemoTokens, state: &HttpState) -> anyhow::Result<Value> {
    let people = state
        .services
        .db
        .read(async |conn| db::platform::users::demo_people(conn).await)
        .await?;
    // Miners come before staff.
    let (staff, users): (Vec<_>, Vec<_>) = people
        .iter()
        .partition(|(name, _)| DemoTokens::role_of(name).is_some());
    let mut listed = Vec::new();
    for (name, user_id) in users.into_iter().chain(staff) {
        let token = tokens.person(name, *user_id, LIFETIME)?;
        listed.push(json!({"name": name, "token": token}));
    }
    if !listed.is_empty() {
        listed.push(json!({"name": "service", "token": tokens.service(LIFETIME)?}));
    }
    Ok(Value::Array(listed))
}

/// Whether the request comes from our own page, under a host name of this machine.
fn is_own_page(headers: &HeaderMap, configured_host: &str) -> bool {
    if headers.keys().any(|name| is_of_a_proxy(name.as_str())) {
        return false;
    }
    // Browsers set this header; pages can't.
    let is_same_site = headers
        .get("sec-fetch-site")
        .is_none_or(|site| site == "same-origin");
    let host = headers.get(header::HOST);
    let is_same_origin = headers
        .get(header::ORIGIN)
        .is_none_or(|origin| is_same_host(origin, host));
    is_same_site
        && is_same_origin
        && host
            .and_then(|host| host.to_str().ok())
            .is_some_and(|host| is_of_this_machine(host, configured_host))
}

fn is_of_a_proxy(header: &str) -> bool {
    FORWARDED.iter().any(|name| header.starts_with(name))
        || FORWARDED_WITHIN.iter().any(|word| header.contains(word))
}

/// Whether a host names this machine. Any other name may have been made to resolve to it.
fn is_of_this_machine(host: &str, configured_host: &str) -> bool {
    let name = host_name(host);
    is_localhost(name)
        || name.eq_ignore_ascii_case(configured_host)
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn write(status: StatusCode, body: Value) -> Response {
    let headers = [
        (header::CACHE_CONTROL.as_str(), "no-store"),
        ("cross-origin-resource-policy", "same-origin"),
    ];
    (status, headers, Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    fn ask(pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = pairs
            .iter()
            .map(|(name, value)| {
                let name = HeaderName::from_static(name);
                (name, value.parse().unwrap())
            })
            .collect();
        is_own_page(&headers, "devbox")
    }

    #[test]
    fn accepts_our_page_under_names_of_this_machine() {
        for host in [
            "localhost:8080",
            "LOCALHOST",
            "127.0.0.1:8080",
            "[::1]:8080",
            "devbox:8080",
        ] {
            assert!(ask(&[("host", host)]), "{host}");
            assert!(
                ask(&[("host", host), ("sec-fetch-site", "same-origin")]),
                "{host}"
            );
        }
        assert!(ask(&[
            ("host", "localhost:8080"),
            ("origin", "http://localhost:8080")
        ]));
    }

    #[test]
    fn rejects_other_sites() {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:8080",
            "10.0.0.7:8080",
            "0.0.0.0:8080",
            "",
        ] {
            assert!(
                !ask(&[("host", host), ("sec-fetch-site", "same-origin")]),
                "{host}"
            );
        }
        assert!(!ask(&[]));
        let host = ("host", "localhost:8080");
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "http://localhost:3000"),
            ("origin", "null"),
            ("via", "1.1 proxy"),
            ("x-forwarded-for", "10.0.0.7"),
            ("x-forwarded-server", "proxy"),
            ("x-real-ip", "10.0.0.7"),
            ("x-original-host", "dev.example"),
            ("true-client-ip", "10.0.0.7"),
            ("x-envoy-external-address", "10.0.0.7"),
        ] {
            assert!(!ask(&[host, (name, value)]), "{name}: {value}");
        }
    }
}
