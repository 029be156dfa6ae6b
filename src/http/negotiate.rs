//! Content negotiation: media types of answers, and formats of streams.

use std::cmp::Ordering;

use async_graphql::parser::types::OperationType;
use axum::http::{HeaderMap, header};
use mime::{Mime, Name};

/// The format of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamFormat {
    /// Server-sent events.
    EventStream,
    /// Parts of a `multipart/mixed` body.
    Multipart,
}

/// The media type of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `application/graphql-response+json`: the status reports request errors.
    GraphqlResponse,
    /// The same, for a client that also accepts `application/json`.
    GraphqlResponseOrJson,
    /// `application/json`: the status of request errors is 200.
    Json,
}

impl Media {
    /// The content type with its encoding, which is always UTF-8.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::GraphqlResponse | Self::GraphqlResponseOrJson => {
                "application/graphql-response+json; charset=utf-8"
            }
            Self::Json => "application/json; charset=utf-8",
        }
    }
}

/// Media types that a client accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The media type of answers and refusals.
    pub media: Media,
    /// The format of streams, if it accepts them.
    stream: Option<StreamFormat>,
    /// Whether queries and mutations are streamed, too.
    prefers_stream: bool,
}

impl Accepted {
    /// The format in which an operation is streamed. Returns `None` if it is answered once or refused.
    #[must_use]
    pub fn stream_format(self, kind: OperationType) -> Option<StreamFormat> {
        let is_subscription = kind == OperationType::Subscription;
        self.stream
            .filter(|_| is_subscription || self.prefers_stream)
    }
}

/// Negotiates by `Accept`. Returns `None` if no type is acceptable.
///
/// Stream formats must be named explicitly. Queries are streamed only if no other type has the same weight, because clients
/// name stream formats in requests that expect one answer.
#[must_use]
pub fn negotiate(headers: &HeaderMap) -> Option<Accepted> {
    let ranges: Vec<Range> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(elements)
        .filter_map(Range::parse)
        .collect();
    let is_absent = headers
        .get_all(header::ACCEPT)
        .iter()
        .all(|value| value.as_bytes().iter().all(|byte| b" \t,".contains(byte)));
    let media = if is_absent {
        Some(Media::Json)
    } else {
        media_of(&ranges)
    };
    let stream = stream_of(&ranges);
    let others = [
        weight_of("application/graphql-response+json", &ranges),
        weight_of("application/json", &ranges),
    ];
    let prefers_stream = stream.is_some_and(|(_, weight)| {
        let mut others = others.iter();
        others.all(|other| other.milli < weight || (other.milli == weight && !other.is_named))
    });
    // Clients that expect a stream check the status first.
    let of_stream = stream.map(|_| Media::GraphqlResponse);
    Some(Accepted {
        media: media.filter(|_| !prefers_stream).or(of_stream)?,
        stream: stream.map(|(format, _)| format),
        prefers_stream,
    })
}

/// The preferred stream format and its weight in thousandths.
fn stream_of(ranges: &[Range]) -> Option<(StreamFormat, u16)> {
    let named = |format| {
        let weights = ranges
            .iter()
            .filter(|range| range.stream == Some(format))
            .map(|range| range.milli);
        Some((format, weights.max().filter(|milli| *milli > 0)?))
    };
    [StreamFormat::Multipart, StreamFormat::EventStream]
        .into_iter()
        .filter_map(named)
        .max_by_key(|(_, milli)| *milli)
}

/// Negotiates the type of one answer.
///
/// The most specific range counts for a type (RFC 9110). Of types with equal weights the newer one wins if it is named;
/// otherwise the answer is `application/json`, which every client can parse.
fn media_of(ranges: &[Range]) -> Option<Media> {
    let graphql = weight_of("application/graphql-response+json", ranges);
    let json = weight_of("application/json", ranges);
    match graphql.milli.cmp(&json.milli) {
        _ if graphql.milli == 0 && json.milli == 0 => None,
        Ordering::Greater if json.milli == 0 => Some(Media::GraphqlResponse),
        Ordering::Greater => Some(Media::GraphqlResponseOrJson),
        Ordering::Equal if graphql.is_named => Some(Media::GraphqlResponseOrJson),
        Ordering::Equal | Ordering::Less => Some(Media::Json),
    }
}

/// The weight of a type in thousandths.
#[derive(Clone, Copy, Debug, Default)]
struct Weight {
    milli: u16,
    is_named: bool,
}

fn weight_of(essence: &str, ranges: &[Range]) -> Weight {
    let best = ranges
        .iter()
        .filter_map(|range| {
            range
                .specificity(essence)
                .map(|specificity| (specificity, range.milli))
        })
        .max();
    best.map_or_else(Weight::default, |(specificity, milli)| Weight {
        milli,
        is_named: specificity == 2,
    })
}

/// The elements of a header's list. Commas in quoted strings separate nothing.
fn elements(value: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    value.split(move |character| {
        let is_end = character == ',' && !is_quoted;
        is_quoted ^= character == '"' && !is_escaped;
        is_escaped = is_quoted && character == '\\' && !is_escaped;
        is_end
    })
}

#[derive(Debug)]
struct Range {
    mime: Mime,
    milli: u16,
    /// The stream format that it names.
    stream: Option<StreamFormat>,
}

impl Range {
    /// Parses a range. Returns `None` for invalid ranges and other encodings.
    fn parse(text: &str) -> Option<Self> {
        // Older clients of Java write `*` for `*/*`.
        let text = match text.trim_start().strip_prefix('*') {
            Some(rest) if !rest.starts_with('/') => format!("*/*{rest}"),
            _ => text.to_owned(),
        };
        let mime = parse(&text)?;
        let milli = match mime.get_param("q") {
            Some(weight) => quality(weight.as_str())?,
            None => 1000,
        };
        let stream = match mime.essence_str() {
            "text/event-stream" => Some(StreamFormat::EventStream),
            "multipart/mixed" => Some(StreamFormat::Multipart),
            _ => None,
        };
        let is_other_spec = mime
            .params()
            .any(|(name, value)| is_other_spec(name, value));
        is_utf8(&mime).then_some(Self {
            milli,
            stream: stream.filter(|_| !is_other_spec),
            mime,
        })
    }

    fn specificity(&self, essence: &str) -> Option<u8> {
        match self.mime.essence_str() {
            "*/*" => Some(0),
            "application/*" => Some(1),
            own => (own == essence).then_some(2),
        }
    }
}

/// Parses a media type. Blanks around semicolons and empty parameters are valid (RFC 9110), but not for `mime`.
fn parse(text: &str) -> Option<Mime> {
    let parts = text.split(';').map(str::trim);
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(";").parse().ok()
}

/// Whether a parameter requests an unsupported protocol: incremental delivery, or another version.
fn is_other_spec(name: Name<'_>, value: Name<'_>) -> bool {
    name == "deferspec"
        || name == "incrementalspec"
        || (name == "subscriptionspec" && value != "1.0")
}

/// Whether a body is JSON in UTF-8, by its `Content-Type`.
#[must_use]
pub fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (types.next(), types.next()) else {
        return false;
    };
    let mime = value.to_str().ok().and_then(parse);
    mime.is_some_and(|mime| {
        mime.essence_str() == mime::APPLICATION_JSON.essence_str() && is_utf8(&mime)
    })
}

fn is_utf8(mime: &Mime) -> bool {
    let charset = mime.get_param(mime::CHARSET);
    charset.is_none_or(|charset| charset == mime::UTF_8 || charset == "utf8")
}

/// A `q` from 0 to 1 with up to three decimals, in thousandths.
fn quality(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        // Older clients of Java send `q=.2`.
        "0" | "" => Some(decimals),
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
        negotiate(&headers).map(|accepted| accepted.media)
    }

    /// The stream formats of a query and of a subscription.
    fn formats(value: &'static str) -> Option<(Option<StreamFormat>, Option<StreamFormat>)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static(value));
        let accepted = negotiate(&headers)?;
        let format = |kind| accepted.stream_format(kind);
        Some((
            format(OperationType::Query),
            format(OperationType::Subscription),
        ))
    }

    #[test]
    fn streams_only_formats_that_are_named() {
        const EVENTS: Option<StreamFormat> = Some(StreamFormat::EventStream);
        const PARTS: Option<StreamFormat> = Some(StreamFormat::Multipart);
        for (value, expected) in [
            ("text/event-stream", Some((EVENTS, EVENTS))),
            ("Text/Event-Stream; charset=utf-8", Some((EVENTS, EVENTS))),
            ("text/event-stream ;q=1", Some((EVENTS, EVENTS))),
            ("text/event-stream, */*", Some((EVENTS, EVENTS))),
            (
                "text/event-stream, application/json;q=0.9",
                Some((EVENTS, EVENTS)),
            ),
            ("text/event-stream, application/json", Some((None, EVENTS))),
            (
                "application/json, text/event-stream;q=0.5",
                Some((None, EVENTS)),
            ),
            (
                "application/json, text/event-stream;q=0",
                Some((None, None)),
            ),
            ("*/*", Some((None, None))),
            ("text/*", None),
            ("multipart/mixed", Some((PARTS, PARTS))),
            (
                "multipart/mixed ; subscriptionSpec=1.0",
                Some((PARTS, PARTS)),
            ),
            (
                "multipart/mixed;subscriptionSpec=2.0, application/json",
                Some((None, None)),
            ),
            ("multipart/mixed;deferSpec=20220824", None),
            // urql, for queries and for subscriptions.
            (
                "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed",
                Some((None, EVENTS)),
            ),
            ("text/event-stream, multipart/mixed", Some((EVENTS, EVENTS))),
            (
                "text/event-stream;q=0.5, multipart/mixed",
                Some((PARTS, PARTS)),
            ),
            // Apollo Client: 3, 4, and with incremental delivery.
            (
                "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json",
                Some((None, PARTS)),
            ),
            (
                "multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/graphql-response+json,application/json;q=0.9",
                Some((None, PARTS)),
            ),
            (
                "multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9",
                Some((None, None)),
            ),
            (
                "multipart/mixed;incrementalSpec=v0.2,application/graphql-response+json,application/json;q=0.9",
                Some((None, None)),
            ),
            // Apollo Kotlin: 3, 4, and queries.
            (
                "multipart/mixed; boundary=\"graphql\"; subscriptionSpec=1.0, application/json",
                Some((None, PARTS)),
            ),
            (
                "multipart/mixed;subscriptionSpec=1.0, application/graphql-response+json, application/json",
                Some((None, PARTS)),
            ),
            (
                "multipart/mixed; deferSpec=20220824, application/json",
                Some((None, None)),
            ),
            // Apollo iOS: 1, 2, and queries.
            (
                "multipart/mixed;boundary=\"graphql\";subscriptionSpec=1.0,application/json",
                Some((None, PARTS)),
            ),
            (
                "multipart/mixed;subscriptionSpec=1.0,application/graphql-response+json,application/json",
                Some((None, PARTS)),
            ),
            (
                "multipart/mixed;boundary=\"graphql\";deferSpec=20220824,application/json",
                Some((None, None)),
            ),
        ] {
            assert_eq!(formats(value), expected, "{value}");
        }
    }

    #[test]
    fn refuses_streams_with_a_status() {
        assert_eq!(accept("text/event-stream"), Some(Media::GraphqlResponse));
        assert_eq!(
            accept("text/event-stream, application/json;q=0.1"),
            Some(Media::GraphqlResponse)
        );
        assert_eq!(
            accept("text/event-stream, application/json"),
            Some(Media::Json)
        );
    }

    #[test]
    fn chooses_the_type_with_the_highest_weight() {
        use Media::{GraphqlResponse, GraphqlResponseOrJson, Json};
        let absent = negotiate(&HeaderMap::new()).map(|accepted| accepted.media);
        assert_eq!(absent, Some(Json));
        for (value, media) in [
            ("", Some(Json)),
            (" ,", Some(Json)),
            ("*/*", Some(Json)),
            ("application/*", Some(Json)),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some(Json)),
            ("application/json", Some(Json)),
            ("application/json; charset=utf-8", Some(Json)),
            ("Application/JSON;Q=0.5", Some(Json)),
            ("application/json\t;\tq=0.5", Some(Json)),
            ("application/json;;", Some(Json)),
            ("application/json;profile=\"a, b\"", Some(Json)),
            (
                "text/x;a=\"\\\", application/json\", application/graphql-response+json",
                Some(GraphqlResponse),
            ),
            ("text/html, *; q=.2", Some(Json)),
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
    fn accepts_only_json_in_utf8() {
        let is_json = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(value));
            is_json(&headers)
        };
        for good in [
            "application/json",
            "application/JSON; charset=utf-8",
            "application/json;charset=\"UTF-8\"",
            "application/JSON ;charset=\"UTF-8\"",
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
