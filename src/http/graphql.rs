//! The handlers of `/graphql`, by the specification of GraphQL over HTTP.

use async_graphql::parser::types::OperationType;
use async_graphql::{Response as GraphqlResponse, value};
use axum::body::Bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, Extension, FromRequest, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::access::Principal;
use resolvers::errors::Code;
use resolvers::request::Caller;

use super::HttpState;
use super::caller::Client;
use super::negotiate::{Media, is_json, negotiate};
use super::operation::{HttpCaller, Operation, RequestContext};
use super::params;
use super::rate::{RateKey, network};
use super::read_after;
use super::refusal::Refusal;
use super::reply;
use super::request_id::RequestId;
use crate::auth::BadToken;
use crate::realtime::{self, Opened};

/// Answers a query in a query string, streams a query or a subscription, or opens a socket.
pub async fn get(
    State(state): State<HttpState>,
    Extension(RequestId(id)): Extension<RequestId>,
    request: Request,
) -> Response {
    if realtime::is_upgrade(request.headers()) {
        return open_socket(state, &id, request).await;
    }
    let (parts, _) = request.into_parts();
    let accepted = negotiate(&parts.headers);
    let media = accepted.map_or(Media::Json, |accepted| accepted.media);
    let answered = async {
        let accepted = accepted.ok_or_else(not_acceptable)?;
        let caller = authenticate(&state, &parts, &id).await?;
        let query = parts.uri.query().unwrap_or_default();
        let operation = Operation::of(params::from_query(query)?, &state)?;
        if operation.kind == OperationType::Mutation {
            return Err(Refusal::http(
                StatusCode::METHOD_NOT_ALLOWED,
                "GET is for queries only: send mutations by POST",
            ));
        }
        if let Some(format) = accepted.stream_format(operation.kind) {
            // Browsers send no preflight request for this.
            if !state.settings.allowed_origins.allow_socket(&parts.headers) {
                let message = "this origin may not open streams here";
                return Err(Refusal::http(StatusCode::FORBIDDEN, message));
            }
            let opened = realtime::open(&state, format, operation, caller).await?;
            return Ok(answer_opened(opened, media));
        }
        if operation.kind == OperationType::Subscription {
            return Err(Refusal::http(
                StatusCode::METHOD_NOT_ALLOWED,
                NEEDS_A_STREAM,
            ));
        }
        let context = caller.context;
        let is_public = context.caller.principal == Principal::Anonymous;
        let answer = execute(operation, &state, context, &parts.headers).await?;
        Ok(
            if is_public && answer.is_ok() && answer.extensions.is_empty() {
                reply::answer_public(answer, media, &parts.headers)
            } else {
                reply::answer(answer, media, false)
            },
        )
    };
    answered
        .await
        .unwrap_or_else(|refusal| reply::refuse(refusal, media, &id))
}

/// Answers a query or a mutation in a body, or streams any operation.
pub async fn post(
    State(state): State<HttpState>,
    Extension(RequestId(id)): Extension<RequestId>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let accepted = negotiate(&parts.headers);
    let media = accepted.map_or(Media::Json, |accepted| accepted.media);
    let mut read_after = None;
    let answered = async {
        let accepted = accepted.ok_or_else(not_acceptable)?;
        let caller = authenticate(&state, &parts, &id).await?;
        read_after.clone_from(&caller.context.read_after);
        check_content(&parts.headers)?;
        let headers = parts.headers.clone();
        let limit = state
            .settings
            .max_body_bytes_of(&caller.context.caller.principal);
        let body = read(&state, Request::from_parts(parts, body), limit).await?;
        let operation = Operation::of(params::from_body(&body)?, &state)?;
        if let Some(format) = accepted.stream_format(operation.kind) {
            let opened = realtime::open(&state, format, operation, caller).await?;
            return Ok(answer_opened(opened, media));
        }
        if operation.kind == OperationType::Subscription {
            return Err(Refusal::request(Code::BadRequest, NEEDS_A_STREAM));
        }
        let context = caller.context;
        let is_public = context.caller.principal == Principal::Anonymous;
        let answer = execute(operation, &state, context, &headers).await?;
        Ok(reply::answer(answer, media, is_public))
    };
    let answered = answered.await;
    let mut response = answered.unwrap_or_else(|refusal| reply::refuse(refusal, media, &id));
    if let Some(read_after) = read_after {
        read_after::add(&mut response, &read_after);
    }
    response
}

/// Refuses every other method.
pub async fn other_method(
    Extension(RequestId(id)): Extension<RequestId>,
    method: Method,
) -> Response {
    let refusal = Refusal::http(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("{method} is not supported: send queries and mutations by POST"),
    );
    let mut response = reply::refuse(refusal, Media::Json, &id);
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    response
}

async fn open_socket(state: HttpState, id: &str, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    // A socket is authenticated later, so the handshake is charged to a bucket of the address.
    let client = Client::of(&parts, state.settings.trusted_proxies);
    let key = RateKey::handshake(client.address);
    if let Err(exceeded) = state.buckets.charge_request(&key) {
        return reply::refuse(exceeded.into(), Media::Json, id);
    }
    let version = parts.headers.get(header::SEC_WEBSOCKET_VERSION);
    if version.is_some_and(|version| version != WEBSOCKET_VERSION) {
        let message = "the version of the WebSocket protocol must be 13";
        let refusal = Refusal::http(StatusCode::UPGRADE_REQUIRED, message);
        let mut response = reply::refuse(refusal, Media::Json, id);
        let version = HeaderValue::from_static(WEBSOCKET_VERSION);
        response
            .headers_mut()
            .insert(header::SEC_WEBSOCKET_VERSION, version);
        return response;
    }
    let has_key = has_websocket_key(&parts.headers);
    let opened = match WebSocketUpgrade::from_request_parts(&mut parts, &state).await {
        Ok(upgrade) if has_key => realtime::upgrade(state, &parts.headers, client, upgrade),
        _ => Err(Refusal::http(
            StatusCode::BAD_REQUEST,
            "the WebSocket handshake is invalid",
        )),
    };
    opened.unwrap_or_else(|refusal| reply::refuse(refusal, Media::Json, id))
}

const WEBSOCKET_VERSION: &str = "13";

/// Whether the key is 16 bytes in base64, once (RFC 6455, 4.2.1).
fn has_websocket_key(headers: &HeaderMap) -> bool {
    let mut keys = headers.get_all(header::SEC_WEBSOCKET_KEY).iter();
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return false;
    };
    STANDARD.decode(key).is_ok_and(|key| key.len() == 16)
}

/// The message for a subscription without a stream.
const NEEDS_A_STREAM: &str = "subscriptions need a WebSocket (connect to this path with the subprotocol graphql-transport-ws), or a stream: accept text/event-stream or multipart/mixed;subscriptionSpec=1.0";

fn answer_opened(opened: Opened, media: Media) -> Response {
    match opened {
        Opened::Stream(response) => response,
        Opened::Failed(response) => reply::answer(response, media, false),
    }
}

fn not_acceptable() -> Refusal {
    Refusal::http(
        StatusCode::NOT_ACCEPTABLE,
        "answers are application/graphql-response+json or application/json, streams text/event-stream or multipart/mixed: accept one of them",
    )
}

async fn authenticate(state: &HttpState, parts: &Parts, id: &str) -> Result<HttpCaller, Refusal> {
    let headers = &parts.headers;
    let unauthenticated = |bad: BadToken| Refusal::http(StatusCode::UNAUTHORIZED, bad.to_string());
    let bearer = only(headers, &header::AUTHORIZATION).map_err(|()| unauthenticated(BadToken))?;
    let client = Client::of(parts, state.settings.trusted_proxies);
    let authenticated = match state.authenticator.authenticate(bearer).await {
        Ok(authenticated) => authenticated,
        Err(bad) => {
            // An invalid token costs as much as a request.
            let key = RateKey::invalid_token(client.address);
            state.buckets.charge_request(&key)?;
            return Err(unauthenticated(bad));
        }
    };
    let idempotency_key = only(headers, &header::HeaderName::from_static("idempotency-key"))
        .map_err(|()| {
            Refusal::malformed("the header Idempotency-Key is given twice, or is not ASCII")
        })?;
    let read_after = read_after::of(headers).map_err(|_| {
        Refusal::malformed(
            "the header x-read-after is no position: send it as the last answer had it, once",
        )
    })?;
    let context = RequestContext {
        rate_key: RateKey::of(&authenticated.principal, client.address),
        caller: Caller {
            principal: authenticated.principal,
            network: network(client.address),
            request_id: id.to_owned(),
            idempotency_key: idempotency_key.map(str::to_owned),
            language: client.language,
        },
        read_after: Some(read_after),
        transport: "http",
    };
    state.buckets.charge_request(&context.rate_key)?;
    Ok(HttpCaller {
        context,
        client,
        expires_at: authenticated.expires_at,
    })
}

/// The value of a header. Fails for several values and for values that are not ASCII.
fn only<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(drop),
        (Some(_), Some(_)) => Err(()),
    }
}

/// Accepts JSON only, which pages of other sites can't send without a preflight request.
fn check_content(headers: &HeaderMap) -> Result<(), Refusal> {
    let unsupported = |message| Refusal::http(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
    if !is_json(headers) {
        return Err(unsupported(
            "the content type must be application/json in UTF-8",
        ));
    }
    let is_plain = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .all(|encoding| encoding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if is_plain {
        Ok(())
    } else {
        Err(unsupported("the body must not be compressed"))
    }
}

async fn read(state: &HttpState, mut request: Request, limit: usize) -> Result<Bytes, Refusal> {
    let too_large = || {
        Refusal::http(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is longer than {limit} bytes"),
        )
    };
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| usize::try_from(length).map_or(true, |length| length > limit))
    {
        return Err(too_large());
    }
    DefaultBodyLimit::max(limit).apply(&mut request);
    let receiving = Bytes::from_request(request, state);
    match tokio::time::timeout(state.settings.body_timeout, receiving).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(too_large())
        }
        Ok(Err(_)) => Err(Refusal::malformed("the body is incomplete")),
        Err(_) => Err(Refusal::http(
            StatusCode::REQUEST_TIMEOUT,
            "receiving the body timed out",
        )),
    }
}

/// With `report` in this header the answer has `extensions.cost`.
const COST_HEADER: &str = "graphql-cost";

async fn execute(
    operation: Operation,
    state: &HttpState,
    context: RequestContext,
    headers: &HeaderMap,
) -> Result<GraphqlResponse, Refusal> {
    let cost = operation.cost;
    let budget = operation.charge(state, &context)?;
    let response = operation.execute(state, context).await?;
    let wants_cost = headers
        .get(COST_HEADER)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"report"));
    if !wants_cost {
        return Ok(response);
    }
    let report = value!({
        "requestedQueryCost": cost,
        "throttleStatus": {
            "maximumAvailable": budget.maximum,
            "currentlyAvailable": budget.left,
            "restoreRate": budget.restored,
        },
    });
    Ok(response.extension("cost", report))
}
