//! Parses the parameters of a GraphQL request from a body, a query string or a socket's message.

use async_graphql::Variables;
use resolvers::errors::Code;
use resolvers::limits::Excess;
use serde_json::{Map, Value as Json};

use super::persisted::{Name, Source};
use super::refusal::Refusal;
use super::unique_json::{DOUBLED, UniqueJson};

/// The parameters of a request.
#[derive(Debug)]
pub struct Params {
    /// The document or its name.
    pub source: Source,
    /// The operation to execute.
    pub operation_name: Option<String>,
    /// The values of its variables.
    pub variables: Variables,
}

/// Parses the body of a POST.
pub fn from_body(body: &[u8]) -> Result<Params, Refusal> {
    let text =
        std::str::from_utf8(body).map_err(|_| Refusal::malformed("the body is not UTF-8"))?;
    // RFC 8259, 8.1: parsers may ignore a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(Refusal::malformed(
            "the body is empty: send JSON with the field `query`",
        ));
    }
    check_size(text)?;
    let UniqueJson(json) = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let problem = problem_of(&error.to_string());
        Refusal::malformed(format!("{problem} (line {line}, column {column})"))
    })?;
    from_json(json)
}

/// The problem of a body, by the parser's message: its errors have no kinds for these.
fn problem_of(message: &str) -> &'static str {
    if message.starts_with("recursion limit") {
        "the body has more than 127 levels of lists and objects"
    } else if message.starts_with("number out of range") {
        "the body has a number that is too large"
    } else if message.contains("surrogate") || message.contains("hex escape") {
        "the body has an escape that stands for no character"
    } else if message.starts_with(DOUBLED) {
        "the body has an object with the same name twice"
    } else {
        "the body is not JSON"
    }
}

/// Maximum of JSON values in a request. Many small values take more time to parse than anything else within the limits.
const MAX_VALUES: u64 = 60_000;

/// Counts the JSON values by the commas outside of strings, before parsing.
pub fn check_size(text: &str) -> Result<(), Refusal> {
    let (mut commas, mut is_string, mut is_escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_string,
            b'"' => is_string = !is_string,
            b',' if !is_string => commas += 1,
            _ => {}
        }
    }
    let excess = Excess {
        limit: "jsonValues",
        maximum: MAX_VALUES,
        value: commas + 1,
    };
    if excess.value > excess.maximum {
        return Err(excess.into());
    }
    Ok(())
}

/// Parses the query string of a GET.
pub fn from_query(query: &str) -> Result<Params, Refusal> {
    let mut params = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        // The decoder replaces what is not UTF-8.
        if value.contains(char::REPLACEMENT_CHARACTER) {
            return Err(Refusal::malformed("the query string is not UTF-8"));
        }
        let value = match &*name {
            "query" | "operationName" | "documentId" => Json::String(value.into_owned()),
            "variables" | "extensions" if value.is_empty() => Json::Null,
            "variables" | "extensions" => {
                let UniqueJson(json) = serde_json::from_str(&value).map_err(|error| {
                    let is_doubled = error.to_string().starts_with(DOUBLED);
                    let problem = if is_doubled {
                        "has an object with the same name twice"
                    } else {
                        "is not JSON"
                    };
                    Refusal::malformed(format!("the parameter {name} {problem}"))
                })?;
                json
            }
            _ => continue,
        };
        if params.contains_key(&*name) {
            return Err(Refusal::malformed(format!(
                "the parameter {name} is given twice"
            )));
        }
        params.insert(name.into_owned(), value);
    }
    from_json(Json::Object(params))
}

/// Parses the parameters from JSON.
pub fn from_json(json: Json) -> Result<Params, Refusal> {
    let mut params = match json {
        Json::Object(params) => params,
        Json::Array(_) => {
            return Err(Refusal::malformed(
                "batches are not supported: send one operation per request",
            ));
        }
        _ => return Err(Refusal::malformed("the request is no object")),
    };
    let extensions = object(&mut params, "extensions")?;
    let query = text(&mut params, "query")?.filter(|query| !query.is_empty());
    let source = match (query, name(&mut params, &extensions)?) {
        (Some(text), None) => Source::Text(text),
        (Some(text), Some(name)) => Source::Both(text, name),
        (None, Some(name)) => Source::Named(name),
        (None, None) => return Err(Refusal::malformed("there is no query")),
    };
    Ok(Params {
        source,
        operation_name: text(&mut params, "operationName")?.filter(|name| !name.is_empty()),
        variables: Variables::from_json(Json::Object(object(&mut params, "variables")?)),
    })
}

/// The name of the document, if the request has one.
fn name(
    params: &mut Map<String, Json>,
    extensions: &Map<String, Json>,
) -> Result<Option<Name>, Refusal> {
    let id = text(params, "documentId")?.filter(|id| !id.is_empty());
    let persisted = match extensions.get("persistedQuery") {
        None | Some(Json::Null) => return Ok(id.map(Name::Id)),
        Some(_) if id.is_some() => {
            return Err(Refusal::request(
                Code::BadRequest,
                "name the document once: by documentId or by extensions.persistedQuery",
            ));
        }
        Some(persisted) => persisted,
    };
    if persisted["version"] != 1 {
        return Err(Refusal::request(
            Code::BadRequest,
            "extensions.persistedQuery.version must be 1",
        ));
    }
    match &persisted["sha256Hash"] {
        Json::String(hash) => Ok(Some(Name::Hash(hash.clone()))),
        _ => Err(Refusal::request(
            Code::BadRequest,
            "extensions.persistedQuery.sha256Hash must be the document's SHA-256 in hexadecimal",
        )),
    }
}

fn text(params: &mut Map<String, Json>, name: &'static str) -> Result<Option<String>, Refusal> {
    match params.remove(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::malformed(format!("{name} is no string"))),
    }
}

fn object(
    params: &mut Map<String, Json>,
    name: &'static str,
) -> Result<Map<String, Json>, Refusal> {
    match params.remove(name) {
        None | Some(Json::Null) => Ok(Map::new()),
        Some(Json::Object(object)) => Ok(object),
        Some(_) => Err(Refusal::malformed(format!("{name} is no object"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::refusal::Kind;

    #[test]
    fn parses_bodies() {
        let request = from_body(
            r#"{"query": "{ä}", "operationName": "A", "variables": {"x": [1, null]}, "extensions": {"a": 1}, "b": 2}"#
                .as_bytes(),
        )
        .unwrap();
        assert_eq!(request.source, Source::Text("{ä}".to_owned()));
        assert_eq!(request.operation_name.as_deref(), Some("A"));
        assert_eq!(
            serde_json::to_string(&request.variables).unwrap(),
            r#"{"x":[1,null]}"#
        );
        let nulls =
            br#"{"query": "{a}", "operationName": null, "variables": null, "extensions": null}"#;
        assert!(from_body(nulls).is_ok());
    }

    #[test]
    fn counts_values_outside_of_strings() {
        let list = |values: usize| format!("[{}1]", "1,".repeat(values - 1));
        assert_eq!(check_size(&list(60_000)), Ok(()));
        let over = check_size(&list(60_001)).unwrap_err();
        assert_eq!(over.code, Code::LimitExceeded);
        assert_eq!(over.excess.map(|excess| excess.value), Some(60_001));
        let text = format!(r#"["\",{}", "\\"]"#, ",".repeat(100_000));
        assert_eq!(check_size(&text), Ok(()));
    }

    #[test]
    fn parses_query_strings() {
        let request = from_query(
            "query=%7Ba+b%7D&operationName=A&variables=%7B%22x%22%3A1%7D&other=%7B&extensions=",
        )
        .unwrap();
        assert_eq!(request.source, Source::Text("{a b}".to_owned()));
        assert_eq!(request.operation_name.as_deref(), Some("A"));
        assert_eq!(request.variables.len(), 1);
    }

    #[test]
    fn refuses_what_is_no_request() {
        for body in [
            &b""[..],
            b"{",
            b"\xff",
            b"7",
            b"null",
            b"[]",
            b"{}",
            br#"{"query":""}"#,
            br#"[{"query":"{a}"}]"#,
            br#"{"query":7}"#,
            br#"{"query":"{a}","variables":[]}"#,
            br#"{"query":"{a}","variables":"{}"}"#,
            br#"{"query":"{a}","operationName":{}}"#,
            br#"{"query":"{a}","extensions":1}"#,
            br#"{"query":"{a}","query":"{b}"}"#,
            br#"{"query":"{a}","variables":{"x":[{"y":1,"\u0079":2}]}}"#,
            "[".repeat(100_000).as_bytes(),
        ] {
            let refusal = from_body(body).unwrap_err();
            assert_eq!(
                (refusal.kind, refusal.code),
                (Kind::Malformed, Code::BadRequest)
            );
            assert!(refusal.message.len() < 80, "{}", refusal.message);
        }
        for query in [
            "",
            "query=",
            "query=%ff",
            "query={a}&query={b}",
            "query={a}&variables=x",
            "query={a}&variables=[]",
            "query={a}&variables={\"x\":1,\"x\":2}",
        ] {
            assert_eq!(
                from_query(query).unwrap_err().kind,
                Kind::Malformed,
                "{query}"
            );
        }
    }

    #[test]
    fn parses_document_names() {
        let source = |body: &str| from_body(body.as_bytes()).map(|params| params.source);
        let hash = Name::Hash("ab".to_owned());
        let id = Name::Id("sha256:ab".to_owned());
        for (body, expected) in [
            (
                r#"{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}"#,
                Source::Named(hash.clone()),
            ),
            (
                r#"{"query":"{a}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}"#,
                Source::Both("{a}".to_owned(), hash),
            ),
            (
                r#"{"documentId":"sha256:ab","extensions":{"persistedQuery":null}}"#,
                Source::Named(id.clone()),
            ),
            (
                r#"{"query":"{a}","documentId":""}"#,
                Source::Text("{a}".to_owned()),
            ),
        ] {
            assert_eq!(source(body), Ok(expected), "{body}");
        }
        let in_url = from_query("documentId=sha256%3Aab").map(|params| params.source);
        assert_eq!(in_url, Ok(Source::Named(id)));
        for bad in [
            r#"{"extensions":{"persistedQuery":7}}"#,
            r#"{"extensions":{"persistedQuery":{"version":1}}}"#,
            r#"{"extensions":{"persistedQuery":{"version":2,"sha256Hash":"ab"}}}"#,
            r#"{"documentId":7}"#,
            r#"{"documentId":"ab","extensions":{"persistedQuery":{"version":1,"sha256Hash":"ab"}}}"#,
        ] {
            assert_eq!(source(bad).unwrap_err().code, Code::BadRequest, "{bad}");
        }
    }
}
