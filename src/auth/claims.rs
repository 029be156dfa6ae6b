//! Converts the claims of a verified token to a principal.

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::{Person, Principal, Role, Scope, Service};
use domain::ids::UserId;
use domain::named::Named;
use domain::platform::DisplayName;
use serde::Deserialize;
use serde_json::{Number, Value};
use uuid::Uuid;

use super::{Authenticated, Reason};

/// A longer lifetime is a mistake, such as a time in milliseconds.
pub const MAX_LIFETIME: TimeDelta = TimeDelta::days(3_653);
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
    exp: Number,
    nbf: Option<Number>,
    iat: Option<Number>,
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
    realm_access: Value,
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
    let id = id(&claims.sub).ok_or(Reason::Claim("sub"))?;
    let expires_at = time(&claims.exp, "exp")?;
    let mut roles: Vec<Role> = claims
        .role_names()
        .filter_map(|name| known("role", name, Role::parse(name)))
        .chain([Role::User])
        .collect();
    ignore("scopes of a user", claims.scope_names());
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
    let is_unprintable = claims.sub.chars().any(char::is_control);
    if claims.sub.is_empty() || claims.sub.len() > MAX_SUBJECT_BYTES || is_unprintable {
        return Err(Reason::Claim("sub"));
    }
    let expires_at = time(&claims.exp, "exp")?;
    let mut scopes: Vec<Scope> = claims
        .scope_names()
        .filter_map(|name| known("scope", name, Scope::of_name(name)))
        .collect();
    ignore("roles of a service", claims.role_names());
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

impl Claims {
    /// Judges the times. The verification has compared `exp` and `nbf` with the clock already.
    pub fn check_times(&self, now: DateTime<Utc>, leeway: TimeDelta) -> Result<(), Reason> {
        let expires_at = time(&self.exp, "exp")?;
        let issued_at = self.iat.as_ref().map(|iat| time(iat, "iat")).transpose()?;
        let valid_from = self.nbf.as_ref().map(|nbf| time(nbf, "nbf")).transpose()?;
        let begins_at = issued_at.map_or(now, |issued_at| issued_at.min(now));
        if expires_at.signed_duration_since(begins_at) > MAX_LIFETIME {
            return Err(Reason::Implausible("exp"));
        }
        if issued_at.is_some_and(|at| at > now + leeway || at >= expires_at) {
            return Err(Reason::Implausible("iat"));
        }
        if valid_from.is_some_and(|from| from >= expires_at) {
            return Err(Reason::Implausible("nbf"));
        }
        Ok(())
    }

    /// The names of roles in all supported claims. Keycloak's are in `realm_access.roles`.
    fn role_names(&self) -> impl Iterator<Item = &str> {
        let keycloak = self.realm_access.get("roles").unwrap_or(&Value::Null);
        [&self.role, &self.roles, &self.microsoft_role, keycloak]
            .into_iter()
            .flat_map(texts)
            .flat_map(|text| text.split(','))
            .map(str::trim)
            .filter(|name| !name.is_empty())
    }

    fn scope_names(&self) -> impl Iterator<Item = &str> {
        [&self.scope, &self.scopes]
            .into_iter()
            .flat_map(texts)
            .flat_map(str::split_whitespace)
    }
}

/// Logs a name that is unknown, because it has no effect.
fn known<T>(kind: &'static str, name: &str, parsed: Option<T>) -> Option<T> {
    if parsed.is_none() {
        tracing::debug!(kind, name, "Ignored an unknown {kind} of a token: {name:?}");
    }
    parsed
}

/// Logs claims without effect.
fn ignore<'a>(kind: &'static str, names: impl Iterator<Item = &'a str>) {
    let names: Vec<_> = names.collect();
    if !names.is_empty() {
        tracing::debug!(kind, ?names, "Ignored {kind} in a token: {names:?}");
    }
}

/// A time in seconds. RFC 7519 allows fractions; whole seconds are precise enough.
fn time(claim: &Number, name: &'static str) -> Result<DateTime<Utc>, Reason> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "values out of range saturate, and are no valid time then"
    )]
    let seconds = claim
        .as_i64()
        .or_else(|| claim.as_f64().map(|seconds| seconds as i64));
    seconds
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .ok_or(Reason::Claim(name))
}

/// The strings of a claim that is a string or a list.
fn texts(claim: &Value) -> impl Iterator<Item = &str> {
    let list = match claim {
        Value::Array(list) => list.as_slice(),
        one => std::slice::from_ref(one),
    };
    list.iter().filter_map(Value::as_str)
}

/// An id. The nil UUID, under which the ledger keeps the platform's own accounts, is nobody's.
fn id(text: &str) -> Option<Uuid> {
    let id = Uuid::try_parse(text).ok()?;
    (!id.is_nil()).then_some(id)
}

/// An optional id. An invalid one is refused, because ignoring it would change the principal.
fn uuid(claim: &Value, name: &'static str) -> Result<Option<Uuid>, Reason> {
    match claim {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => id(text).map(Some).ok_or(Reason::Claim(name)),
        _ => Err(Reason::Claim(name)),
    }
}
