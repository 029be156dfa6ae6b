//! Chooses the media type of an answer, by what the client accepts.

use axum::http::{HeaderMap, header};

/// What an answer is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `application/graphql-response+json`: the status says whether the request was a good one.
    GraphqlResponse,
    /// The same, for a client that takes `application/json` as well.
    GraphqlResponseOrJson,
    /// `application/json`: the client looks into the body, not at the status.
    Json,
}

impl Media {
    /// The content type, with the encoding: it is always UTF-8.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::GraphqlResponse | Self::GraphqlResponseOrJson => {
                "application/graphql-response+json; charset=utf-8"
            }
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// Chooses by `Accept`; none, if it takes nothing we have.
///
/// The most specific range counts for a type, as RFC 9110 has it. Between equals the client's order decides nothing,
/// so the newer type wins; only a client that doesn't care gets `application/json`, which every client can read.
pub fn negotiate(headers: &HeaderMap) -> Option<Media> {
    let ranges: Vec<Range<'_>> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(Range::parse)
        .collect();
    let is_silent = headers
        .get_all(header::ACCEPT)
        .iter()
        .all(|value| value.as_bytes().trim_ascii().is_empty());
    if is_silent {
        return Some(Media::Json);
    }
    let graphql = weight_of("graphql-response+json", &ranges);
    let json = weight_of("json", &ranges);
    if graphql.milli == 0 && json.milli == 0 {
        return None;
    }
    Some(
        if graphql.milli > json.milli || (graphql.milli == json.milli && graphql.is_named) {
            if json.milli == 0 {
                Media::GraphqlResponse
            } else {
                Media::GraphqlResponseOrJson
            }
        } else {
            Media::Json
        },
    )
}

/// How much a client wants a type, in thousandths.
#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    milli: u16,
    is_named: bool,
}

fn weight_of(subtype: &str, ranges: &[Range<'_>]) -> Weight {
    let best = ranges
        .iter()
        .filter_map(|range| {
            range
                .specificity(subtype)
                .map(|specificity| (specificity, range.milli))
        })
        .max();
    best.map_or_else(Weight::default, |(specificity, milli)| Weight {
        milli,
        is_named: specificity == 2,
    })
}

#[derive(Debug)]
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    milli: u16,
}

impl<'a> Range<'a> {
    /// Reads one range; what can't be read, or wants another encoding, is as good as not there.
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut range = Self {
            kind,
            subtype,
            milli: 1000,
        };
        for parameter in parts {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let value = value.trim().trim_matches('"');
            if name.trim().eq_ignore_ascii_case("q") {
                range.milli = quality(value)?;
            } else if name.trim().eq_ignore_ascii_case("charset") && !is_utf8(value) {
                return None;
            }
        }
        Some(range)
    }

    fn specificity(&self, subtype: &str) -> Option<u8> {
        if self.kind == "*" && self.subtype == "*" {
            Some(0)
        } else if !self.kind.eq_ignore_ascii_case("application") {
            None
        } else if self.subtype == "*" {
            Some(1)
        } else {
            self.subtype.eq_ignore_ascii_case(subtype).then_some(2)
        }
    }
}

/// Whether a body is JSON in UTF-8, by its `Content-Type`.
pub fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else {
        return false;
    };
    let Ok(value) = value.to_str() else {
        return false;
    };
    let mut parts = value.split(';').map(str::trim);
    parts
        .next()
        .is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                is_utf8(value.trim().trim_matches('"'))
            }
            _ => true,
        })
}

fn is_utf8(charset: &str) -> bool {
    charset.eq_ignore_ascii_case("utf-8") || charset.eq_ignore_ascii_case("utf8")
}

/// A `q` from 0 to 1 with up to three decimals, in thousandths.
fn quality(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(decimals),
        "1" if decimals == 0 => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn accept(value: &'static str) -> Option<Media> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(value));
        negotiate(&headers)
    }

    #[test]
    fn the_type_wanted_most_wins() {
        use Media::{GraphqlResponse, GraphqlResponseOrJson, Json};
        assert_eq!(negotiate(&HeaderMap::new()), Some(Json));
        for (value, media) in [
            ("", Some(Json)),
            ("*/*", Some(Json)),
            ("application/*", Some(Json)),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some(Json)),
            ("application/json", Some(Json)),
            ("application/json; charset=utf-8", Some(Json)),
            ("Application/JSON;Q=0.5", Some(Json)),
            ("application/graphql-response+json", Some(GraphqlResponse)),
            (
                "application/graphql-response+json;charset=UTF-8",
                Some(GraphqlResponse),
            ),
            (
                "application/json, application/graphql-response+json",
                Some(GraphqlResponseOrJson),
            ),
            (
                "application/graphql-response+json,application/json;q=0.9",
                Some(GraphqlResponseOrJson),
            ),
            (
                "application/graphql-response+json;q=0.4, application/json;q=0.5",
                Some(Json),
            ),
            (
                "application/graphql-response+json, */*",
                Some(GraphqlResponseOrJson),
            ),
            ("application/graphql-response+json;q=0, */*", Some(Json)),
            ("application/json;q=0, */*;q=0.1", Some(GraphqlResponse)),
            (
                "multipart/mixed;subscriptionSpec=1.0, application/json",
                Some(Json),
            ),
            ("text/html", None),
            ("application/json;q=0", None),
            ("application/json;charset=latin1", None),
            ("application/json;q=2", None),
            ("nonsense", None),
        ] {
            assert_eq!(accept(value), media, "{value:?}");
        }
    }

    #[test]
    fn only_json_in_utf8_is_json() {
        let is_json = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(value));
            is_json(&headers)
        };
        for good in [
            "application/json",
            "application/JSON; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
        ] {
            assert!(is_json(good), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/graphql",
            "application/json;charset=utf-16",
            "application/jsonp",
        ] {
            assert!(!is_json(bad), "{bad}");
        }
    }
}
