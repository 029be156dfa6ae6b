//! GraphQL over HTTP, by its specification.

use async_graphql::parser::types::OperationType;
use async_graphql::{Response as GraphqlResponse, value};
use axum::body::Bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{DefaultBodyLimit, Extension, FromRequest, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::access::Principal;
use resolvers::errors::Code;

use super::HttpState;
use super::caller::Client;
use super::negotiate::{Accepted, Media, is_json, negotiate};
use super::operation::{Asking, Operation};
use super::params;
use super::rate::Payer;
use super::refusal::Refusal;
use super::reply;
use super::request_id::RequestId;
use crate::auth::BadToken;
use crate::realtime::{self, Live, Opened};

/// Answers a query in a query string, tells it or a subscription as a stream, or opens a socket.
pub async fn get(
    State(state): State<HttpState>,
    Extension(RequestId(id)): Extension<RequestId>,
    request: Request,
) -> Response {
    if realtime::is_upgrade(request.headers()) {
        return open_socket(state, &id, request).await;
    }
    let (parts, _) = request.into_parts();
    let accepted = match accepted(&parts.headers) {
        Ok(accepted) => accepted,
        Err(refusal) => return reply::refuse(refusal, Media::Json, &id),
    };
    let media = accepted.media;
    let answered = async {
        let visitor = visit(&state, &parts, &id).await?;
        let query = parts.uri.query().unwrap_or_default();
        let operation = Operation::of(params::from_query(query)?, &state)?;
        if operation.kind == OperationType::Mutation {
            return Err(Refusal::http(
                StatusCode::METHOD_NOT_ALLOWED,
                Code::BadRequest,
                "GET is for queries only: send this by POST",
            ));
        }
        if let Some(live) = accepted.live(operation.kind) {
            // A page may ask this of its visitors' browsers without asking us first.
            if !state.settings.allowed_origins.allow_socket(&parts.headers) {
                let message = "this origin may not open streams here";
                return Err(Refusal::http(
                    StatusCode::FORBIDDEN,
                    Code::Forbidden,
                    message,
                ));
            }
            let opened = visitor.open(&state, live, operation).await?;
            return Ok(tell(opened, media));
        }
        if operation.kind == OperationType::Subscription {
            return Err(Refusal::http(
                StatusCode::METHOD_NOT_ALLOWED,
                Code::BadRequest,
                NEEDS_A_STREAM,
            ));
        }
        let asking = visitor.asking;
        let is_public = asking.principal == Principal::Anonymous;
        let answer = execute(operation, &state, asking, &parts.headers).await?;
        Ok(
            if is_public && answer.is_ok() && answer.extensions.is_empty() {
                reply::answer_public(&answer, media, &parts.headers)
            } else {
                reply::answer(&answer, media, false)
            },
        )
    };
    answered
        .await
        .unwrap_or_else(|refusal| reply::refuse(refusal, media, &id))
}

/// Answers a query or a mutation in a body, or tells any operation as a stream.
pub async fn post(
    State(state): State<HttpState>,
    Extension(RequestId(id)): Extension<RequestId>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let accepted = match accepted(&parts.headers) {
        Ok(accepted) => accepted,
        Err(refusal) => return reply::refuse(refusal, Media::Json, &id),
    };
    let media = accepted.media;
    let answered = async {
        let visitor = visit(&state, &parts, &id).await?;
        check_content(&parts.headers)?;
        let headers = parts.headers.clone();
        let limit = state.settings.max_body_bytes_of(&visitor.asking.principal);
        let body = read(&state, Request::from_parts(parts, body), limit).await?;
        let operation = Operation::of(params::from_body(&body)?, &state)?;
        if let Some(live) = accepted.live(operation.kind) {
            let opened = visitor.open(&state, live, operation).await?;
            return Ok(tell(opened, media));
        }
        if operation.kind == OperationType::Subscription {
            return Err(Refusal::request(Code::BadRequest, NEEDS_A_STREAM));
        }
        let asking = visitor.asking;
        let is_public = asking.principal == Principal::Anonymous;
        let answer = execute(operation, &state, asking, &headers).await?;
        Ok(reply::answer(&answer, media, is_public))
    };
    answered
        .await
        .unwrap_or_else(|refusal| reply::refuse(refusal, media, &id))
}

/// Refuses every other method.
pub async fn other_method(
    Extension(RequestId(id)): Extension<RequestId>,
    method: Method,
) -> Response {
    let refusal = Refusal::http(
        StatusCode::METHOD_NOT_ALLOWED,
        Code::BadRequest,
        format!("there is no {method} here: send queries and mutations by POST"),
    );
    let mut response = reply::refuse(refusal, Media::Json, &id);
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    response
}

async fn open_socket(state: HttpState, id: &str, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    // Nobody knows yet who it is: so a socket is paid for by its address, and guesses of tokens with it.
    let client = Client::of(&parts, state.settings.trusted_proxies);
    let stranger = Payer::of(&Principal::Anonymous, client.address);
    if let Err(too_much) = state.buckets.arrive(&stranger) {
        return reply::refuse(too_much.into(), Media::Json, id);
    }
    let opened = match WebSocketUpgrade::from_request_parts(&mut parts, &state).await {
        Ok(upgrade) => realtime::upgrade(state, &parts.headers, client, upgrade),
        Err(_) => Err(Refusal::http(
            StatusCode::BAD_REQUEST,
            Code::BadRequest,
            "this is no proper WebSocket handshake",
        )),
    };
    opened.unwrap_or_else(|refusal| reply::refuse(refusal, Media::Json, id))
}

/// What a subscription is told that wants one answer.
const NEEDS_A_STREAM: &str = "subscriptions need a WebSocket (connect to this path with the subprotocol graphql-transport-ws), or a stream: accept text/event-stream or multipart/mixed;subscriptionSpec=1.0";

fn tell(opened: Opened, media: Media) -> Response {
    match opened {
        Opened::Stream(response) => response,
        Opened::Failed(response) => reply::answer(&response, media, false),
    }
}

fn accepted(headers: &HeaderMap) -> Result<Accepted, Refusal> {
    negotiate(headers).ok_or_else(|| {
        Refusal::http(
            StatusCode::NOT_ACCEPTABLE,
            Code::BadRequest,
            "answers are application/graphql-response+json or application/json, streams text/event-stream or multipart/mixed: accept one of them",
        )
    })
}

/// Somebody who asks over HTTP.
struct Visitor {
    asking: Asking,
    client: Client,
    /// When its token expires.
    expires_at: Option<DateTime<Utc>>,
}

impl Visitor {
    async fn open(
        self,
        state: &HttpState,
        live: Live,
        operation: Operation,
    ) -> Result<Opened, Refusal> {
        let Self {
            asking,
            client,
            expires_at,
        } = self;
        realtime::open(state, live, operation, asking, client, expires_at).await
    }
}

async fn visit(state: &HttpState, parts: &Parts, id: &str) -> Result<Visitor, Refusal> {
    let headers = &parts.headers;
    let unauthenticated = |bad: BadToken| {
        Refusal::http(
            StatusCode::UNAUTHORIZED,
            Code::Unauthenticated,
            bad.to_string(),
        )
    };
    let bearer = only(headers, &header::AUTHORIZATION).map_err(|()| unauthenticated(BadToken))?;
    let client = Client::of(parts, state.settings.trusted_proxies);
    let authenticated = match state.authenticator.authenticate(bearer).await {
        Ok(authenticated) => authenticated,
        Err(bad) => {
            // Guessing costs as much as asking.
            state.buckets.arrive(&Payer::guesser(client.address))?;
            return Err(unauthenticated(bad));
        }
    };
    let idempotency_key = only(headers, &header::HeaderName::from_static("idempotency-key"))
        .map_err(|()| {
            Refusal::malformed("the header Idempotency-Key is there twice, or is not ASCII")
        })?;
    let asking = Asking {
        payer: Payer::of(&authenticated.principal, client.address),
        principal: authenticated.principal,
        request_id: id.to_owned(),
        idempotency_key: idempotency_key.map(str::to_owned),
        language: client.language,
        transport: "http",
    };
    asking.arrive(state)?;
    Ok(Visitor {
        asking,
        client,
        expires_at: authenticated.expires_at,
    })
}

/// The one value of a header, if it is there.
fn only<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Result<Option<&'a str>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(drop),
        (Some(_), Some(_)) => Err(()),
    }
}

/// Takes JSON only: a page of another site can't send that without asking first.
fn check_content(headers: &HeaderMap) -> Result<(), Refusal> {
    let unsupported = |message| {
        Refusal::http(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Code::BadRequest,
            message,
        )
    };
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
            Code::LimitExceeded,
            format!("the body is longer than {limit} bytes"),
        )
    };
    let announced = request.headers().get(header::CONTENT_LENGTH);
    let announced = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > u64::try_from(limit).unwrap_or(u64::MAX)) {
        return Err(too_large());
    }
    DefaultBodyLimit::max(limit).apply(&mut request);
    let arriving = Bytes::from_request(request, state);
    match tokio::time::timeout(state.settings.body_timeout, arriving).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            Err(too_large())
        }
        Ok(Err(_)) => Err(Refusal::malformed("the body did not arrive")),
        Err(_) => Err(Refusal::http(
            StatusCode::REQUEST_TIMEOUT,
            Code::Timeout,
            "the body took too long",
        )),
    }
}

/// Asked for by this header, what an operation cost and what is left stands in `extensions.cost`.
const COST: &str = "graphql-cost";

async fn execute(
    operation: Operation,
    state: &HttpState,
    asking: Asking,
    headers: &HeaderMap,
) -> Result<GraphqlResponse, Refusal> {
    let cost = operation.cost;
    let budget = operation.pay(state, &asking)?;
    let response = operation.execute(state, asking).await?;
    let wants_cost = headers
        .get(COST)
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
