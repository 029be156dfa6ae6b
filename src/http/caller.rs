//! What a request tells of its caller besides the token: where it comes from, and which language it reads.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use resolvers::language::Language;

/// Where a request comes from, and what its sender reads.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    /// Its address.
    pub address: IpAddr,
    /// Its language.
    pub language: Language,
}

impl Client {
    /// The client behind a request that passed so many proxies of ours.
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

/// Where a request comes from: its peer, or, behind proxies of ours, whom the outermost of them saw.
///
/// Each proxy appends its own peer to `X-Forwarded-For`. What stands before that is the client's to invent.
fn address(parts: &Parts, proxies: usize) -> IpAddr {
    let peer = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    forwarded(&parts.headers, proxies).unwrap_or(peer)
}

fn forwarded(headers: &HeaderMap, proxies: usize) -> Option<IpAddr> {
    let hops: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    let seen = hops.len().checked_sub(proxies).filter(|_| proxies > 0)?;
    let hop = hops.get(seen)?;
    let bare = hop.parse::<SocketAddr>().map(|address| address.ip());
    bare.or_else(|_| hop.trim_matches(['[', ']']).parse()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_our_proxies_say_is_believed() {
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
        headers.append("x-forwarded-for", "unknown".parse().expect("a header"));
        assert_eq!(forwarded(&headers, 1), None);
    }
}
