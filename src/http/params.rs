//! Reads what a GraphQL request says, from a body, a query string or a socket's message.

use async_graphql::{Request, Value, Variables};
use percent_encoding::percent_decode_str;
use resolvers::errors::Code;
use serde_json::{Map, Value as Json};

use super::refusal::Refusal;

/// Reads the body of a POST.
pub fn from_body(body: &[u8]) -> Result<Request, Refusal> {
    let text =
        std::str::from_utf8(body).map_err(|_| Refusal::malformed("the body is not UTF-8"))?;
    let json = serde_json::from_str(text).map_err(|error| {
        Refusal::malformed(format!(
            "the body is not JSON (line {}, column {})",
            error.line(),
            error.column()
        ))
    })?;
    from_json(json)
}

/// Reads the query string of a GET.
pub fn from_query(query: &str) -> Result<Request, Refusal> {
    let mut params = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name)?;
        let value = decode(value)?;
        let value = match name.as_str() {
            "query" | "operationName" => Json::String(value),
            "variables" | "extensions" if value.is_empty() => Json::Null,
            "variables" | "extensions" => serde_json::from_str(&value)
                .map_err(|_| Refusal::malformed(format!("the parameter {name} is not JSON")))?,
            _ => continue,
        };
        if params.contains_key(&name) {
            return Err(Refusal::malformed(format!(
                "the parameter {name} is there twice"
            )));
        }
        params.insert(name, value);
    }
    from_json(Json::Object(params))
}

/// Reads a request that is JSON already.
pub fn from_json(json: Json) -> Result<Request, Refusal> {
    let mut params = match json {
        Json::Object(params) => params,
        Json::Array(_) => {
            return Err(Refusal::malformed(
                "batches are off: send one operation a request",
            ));
        }
        _ => return Err(Refusal::malformed("the request is no object")),
    };
    let query = text(&mut params, "query")?.filter(|query| !query.is_empty());
    let operation_name = text(&mut params, "operationName")?.filter(|name| !name.is_empty());
    let variables = object(&mut params, "variables")?;
    let extensions = object(&mut params, "extensions")?;
    let Some(query) = query else {
        return Err(if extensions.contains_key("persistedQuery") {
            Refusal::request(
                Code::PersistedQueryNotSupported,
                "PersistedQueryNotSupported",
            )
        } else {
            Refusal::malformed("there is no query")
        });
    };
    let mut request = Request::new(query).variables(Variables::from_json(Json::Object(variables)));
    request.operation_name = operation_name;
    for (name, value) in extensions {
        let value = Value::from_json(value)
            .map_err(|_| Refusal::malformed(format!("the extension {name} makes no sense")))?;
        request.extensions.insert(name, value);
    }
    Ok(request)
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

fn decode(text: &str) -> Result<String, Refusal> {
    let text = text.replace('+', " ");
    percent_decode_str(&text)
        .decode_utf8()
        .map(Into::into)
        .map_err(|_| Refusal::malformed("the query string is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::refusal::Kind;

    #[test]
    fn a_body_says_what_to_execute() {
        let request = from_body(
            r#"{"query": "{ä}", "operationName": "A", "variables": {"x": [1, null]}, "extensions": {"a": 1}, "b": 2}"#
                .as_bytes(),
        )
        .unwrap();
        assert_eq!(request.query, "{ä}");
        assert_eq!(request.operation_name.as_deref(), Some("A"));
        assert_eq!(
            serde_json::to_string(&request.variables).unwrap(),
            r#"{"x":[1,null]}"#
        );
        assert_eq!(request.extensions.len(), 1);
        let nulls =
            br#"{"query": "{a}", "operationName": null, "variables": null, "extensions": null}"#;
        assert!(from_body(nulls).is_ok());
    }

    #[test]
    fn a_query_string_says_the_same() {
        let request = from_query(
            "query=%7Ba+b%7D&operationName=A&variables=%7B%22x%22%3A1%7D&other=%7B&extensions=",
        )
        .unwrap();
        assert_eq!(request.query, "{a b}");
        assert_eq!(request.operation_name.as_deref(), Some("A"));
        assert_eq!(request.variables.len(), 1);
    }

    #[test]
    fn what_is_no_request_is_refused_in_plain_words() {
        for body in [
            &b""[..],
            b"{",
            b"\xff",
            b"7",
            b"null",
            b"[]",
            br#"[{"query":"{a}"}]"#,
            b"{}",
            br#"{"query":""}"#,
            br#"{"query":7}"#,
            br#"{"query":"{a}","variables":[]}"#,
            br#"{"query":"{a}","variables":"{}"}"#,
            br#"{"query":"{a}","operationName":{}}"#,
            br#"{"query":"{a}","extensions":1}"#,
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
        ] {
            assert_eq!(
                from_query(query).unwrap_err().kind,
                Kind::Malformed,
                "{query}"
            );
        }
        let stored = from_body(br#"{"extensions":{"persistedQuery":{"version":1}}}"#).unwrap_err();
        assert_eq!(stored.code, Code::PersistedQueryNotSupported);
    }
}
