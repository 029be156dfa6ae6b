//! The address and the language of a request's client.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Once;

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use resolvers::language::Language;

const FORWARDED_FOR: &str = "x-forwarded-for";

static WARNED: Once = Once::new();

/// The client of a request.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// The address.
    pub address: IpAddr,
    /// The preferred language.
    pub language: Language,
}

impl Client {
    /// The client of a request that passed this number of our proxies.
    pub fn of(parts: &Parts, proxies: usize) -> Self {
        Self {
            address: address(parts, proxies),
            language: language(&parts.headers),
        }
    }
}

fn language(headers: &HeaderMap) -> Language {
    headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .map(Language::accepted)
        .unwrap_or_default()
}

/// The address of the peer, or, behind our proxies, the peer of the outermost one.
///
/// Each proxy appends its own peer to `X-Forwarded-For`. Clients can forge the entries before.
fn address(parts: &Parts, proxies: usize) -> IpAddr {
    let peer = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    forwarded(&parts.headers, proxies).unwrap_or(peer)
}

fn forwarded(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    let lines: Vec<&[u8]> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if proxies == 0 {
        if !lines.is_empty() {
            WARNED.call_once(|| {
                tracing::warn!(
                    "Requests have an X-Forwarded-For header: without GOODGO_TRUSTED_PROXIES all callers behind a proxy share one address"
                );
            });
        }
        return None;
    }
    // As bytes: a forged entry that is not text must not hide the entries of our proxies.
    let all = lines.join(&b","[..]);
    let hop = all.rsplit(|byte| *byte == b',').nth(proxies - 1)?;
    let hop = std::str::from_utf8(hop).ok()?.trim();
    let with_port = hop.parse::<SocketAddr>().map(|address| address.ip());
    with_port
        .or_else(|_| hop.trim_matches(['[', ']']).parse())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trusts_only_entries_of_our_proxies() {
        let mut headers = HeaderMap::new();
        headers.append(
            "x-forwarded-for",
            "192.0.2.1, 192.0.2.2".parse().expect("a header"),
        );
        headers.append(
            "x-forwarded-for",
            "[2001:db8::3]:4711".parse().expect("a header"),
        );
        for (proxies, seen) in [
            (0, None),
            (1, Some("2001:db8::3")),
            (2, Some("192.0.2.2")),
            (3, Some("192.0.2.1")),
            (4, None),
        ] {
            let seen = seen.map(|seen| seen.parse().expect("an address"));
            assert_eq!(forwarded(&headers, proxies), seen, "{proxies}");
        }
        let odd = HeaderValue::from_bytes(b"\xe9, unknown").expect("a header");
        headers.append("x-forwarded-for", odd);
        assert_eq!(forwarded(&headers, 1), None);
        let third = "2001:db8::3".parse().expect("an address");
        assert_eq!(forwarded(&headers, 3), Some(third));
    }
}
