//! Converts the claims of a verified token to a principal.

use chrono::DateTime;
use domain::access::{Person, Principal, Role, Scope, Service};
use domain::ids::UserId;
use domain::named::Named;
use domain::platform::DisplayName;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Authenticated, Reason};

const MAX_SUBJECT_BYTES: usize = 200;

/// The claim that is read before the verification, to select the key.
#[derive(Deserialize)]
pub struct Issued {
    pub iss: String,
}

/// The supported claims.
#[derive(Deserialize)]
pub struct Claims {
    iss: String,
    sub: String,
    exp: serde_json::Number,
    #[serde(default)]
    role: Value,
    #[serde(default)]
    roles: Value,
    #[serde(
        default,
        rename = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role"
    )]
    microsoft_role: Value,
    #[serde(default)]
    scope: Value,
    #[serde(default)]
    scopes: Value,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    merchant_id: Value,
    #[serde(default)]
    advertiser_id: Value,
}

/// The principal of a user token.
pub fn person(claims: Claims) -> Result<Authenticated, Reason> {
    let id = Uuid::try_parse(&claims.sub).map_err(|_| Reason::Claim("sub"))?;
    let expires_at = expiry(&claims)?;
    let mut roles: Vec<Role> = [&claims.role, &claims.roles, &claims.microsoft_role]
        .into_iter()
        .flat_map(texts)
        .filter_map(Role::parse)
        .chain([Role::User])
        .collect();
    roles.sort_unstable();
    roles.dedup();
    Ok(Authenticated {
        principal: Principal::Person(Person {
            id: UserId(id),
            issuer: claims.iss,
            roles,
            merchant_id: uuid(&claims.merchant_id, "merchant_id")?.map(Into::into),
            advertiser_id: uuid(&claims.advertiser_id, "advertiser_id")?.map(Into::into),
            name: claims.name.as_str().and_then(DisplayName::parse),
        }),
        expires_at: Some(expires_at),
    })
}

/// The principal of a service token.
pub fn service(claims: Claims) -> Result<Authenticated, Reason> {
    if claims.sub.is_empty() || claims.sub.len() > MAX_SUBJECT_BYTES {
        return Err(Reason::Claim("sub"));
    }
    let expires_at = expiry(&claims)?;
    let mut scopes: Vec<Scope> = [&claims.scope, &claims.scopes]
        .into_iter()
        .flat_map(texts)
        .flat_map(str::split_whitespace)
        .filter_map(Scope::of_name)
        .collect();
    scopes.sort_unstable();
    scopes.dedup();
    Ok(Authenticated {
        principal: Principal::Service(Service {
            issuer: claims.iss,
            subject: claims.sub,
            scopes,
        }),
        expires_at: Some(expires_at),
    })
}

fn expiry(claims: &Claims) -> Result<DateTime<chrono::Utc>, Reason> {
    // RFC 7519 allows fractions; whole seconds are precise enough.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "values out of range saturate, and are no valid time then"
    )]
    let seconds = claims
        .exp
        .as_i64()
        .or_else(|| claims.exp.as_f64().map(|seconds| seconds as i64));
    seconds
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .ok_or(Reason::Claim("exp"))
}

/// The strings of a claim that is a string or a list.
fn texts(claim: &Value) -> impl Iterator<Item = &str> {
    let list = match claim {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    list.iter().filter_map(Value::as_str)
}

/// An optional id. An invalid one is refused, because ignoring it would change the principal.
fn uuid(claim: &Value, name: &'static str) -> Result<Option<Uuid>, Reason> {
    match claim {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => Uuid::try_parse(text)
            .map(Some)
            .map_err(|_| Reason::Claim(name)),
        _ => Err(Reason::Claim(name)),
    }
}
