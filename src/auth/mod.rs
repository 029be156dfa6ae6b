//! Authentication: verifies bearer tokens and returns principals.
//!
//! A token is verified only with keys of its issuer: the platform's secret (HS256) or IAM's published keys (RS256, `EdDSA`)
//! for issuers of users, published keys (`EdDSA`) for issuers of services. The algorithm is a property of the key, never of
//! the token. Roles count only in user tokens, scopes only in service tokens.
//!
//! All invalid tokens get the same message, which reveals no reason; the reason is logged at debug.

mod cache;
mod claims;
pub mod clock;
pub mod demo;
mod keys;
mod settings;
mod source;
pub mod tokens;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use domain::access::Principal;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, dangerous};

use cache::VerifiedTokens;
pub(crate) use claims::MAX_LIFETIME;
use claims::{Claims, Issued};
use keys::KeySet;
pub use settings::{
    AuthSettings, DEFAULT_LEEWAY_SECONDS, DevelopmentKeys, ServiceSettings, UserSettings,
};
pub use source::JwksSource;

/// Longer tokens are refused unread.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// The principal.
    pub principal: Principal,
    /// Expiry of the token; `None` for anonymous callers.
    pub expires_at: Option<DateTime<Utc>>,
}

/// An invalid token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bearer token is not valid: get a new one")]
pub struct BadToken;

/// Verifies bearer tokens.
#[derive(Debug)]
pub struct Authenticator {
    users: UserSettings,
    secret: Option<DecodingKey>,
    user_keys: Arc<KeySet>,
    services: ServiceSettings,
    service_keys: Arc<KeySet>,
    leeway_seconds: u32,
    verified: VerifiedTokens,
}

impl Authenticator {
    /// Reads the keys in files. Keys behind URLs are fetched on first use.
    pub fn new(settings: AuthSettings) -> anyhow::Result<Self> {
        settings.check()?;
        let AuthSettings {
            users,
            services,
            development_keys,
            leeway_seconds,
        } = settings;
        Ok(Self {
            secret: users
                .secret
                .as_ref()
                .map(|secret| DecodingKey::from_secret(secret.as_bytes())),
            user_keys: KeySet::new(
                users.jwks.clone(),
                &[Algorithm::RS256, Algorithm::EdDSA],
                development_keys,
            )?,
            service_keys: KeySet::new(
                services.jwks.clone(),
                &[Algorithm::EdDSA],
                development_keys,
            )?,
            users,
            services,
            leeway_seconds,
            verified: VerifiedTokens::default(),
        })
    }

    /// Authenticates a caller by the value of an `Authorization` header or of a socket's `connection_init`.
    ///
    /// Without a value the caller is anonymous; so it is with an empty one, which some clients send without a token.
    pub async fn authenticate(&self, bearer: Option<&str>) -> Result<Authenticated, BadToken> {
        let bearer = bearer.map(str::trim).unwrap_or_default();
        if bearer.is_empty() {
            return Ok(Authenticated {
                principal: Principal::Anonymous,
                expires_at: None,
            });
        }
        self.verify(bearer).await.map_err(|reason| {
            tracing::debug!(%reason, "Refused a token: {reason}");
            BadToken
        })
    }

    async fn verify(&self, bearer: &str) -> Result<Authenticated, Reason> {
        let token = token_of(bearer)?;
        let hash = cache::hash(token);
        let now = clock::instance_now();
        if let Some(known) = self.verified.get(&hash, now) {
            return Ok(known);
        }
        let issuer = dangerous::insecure_decode_claims::<Issued>(token)?.iss;
        let leeway = TimeDelta::seconds(self.leeway_seconds.into());
        let verify = |key: PinnedKey, audiences: &[String]| {
            let claims = key.verify(token, &issuer, audiences, self.leeway_seconds)?;
            claims.check_times(now, leeway)?;
            Ok::<_, Reason>(claims)
        };
        let mut authenticated = if self.users.issuers.contains(&issuer) {
            let key = self.key_of_user(token).await?;
            claims::person(verify(key, &self.users.audiences)?)?
        } else if self.services.issuers.contains(&issuer) {
            let key = key_by_id(&self.service_keys, token).await?;
            claims::service(verify(key, &self.services.audiences)?)?
        } else {
            return Err(Reason::UnknownIssuer);
        };
        // A socket of a token in its leeway would be closed at once.
        authenticated.expires_at = authenticated
            .expires_at
            .map(|at| if at <= now { at + leeway } else { at });
        self.verified.put(hash, authenticated.clone(), now);
        Ok(authenticated)
    }

    async fn key_of_user(&self, token: &str) -> Result<PinnedKey, Reason> {
        if header(token)?.alg != Algorithm::HS256 {
            return key_by_id(&self.user_keys, token).await;
        }
        Ok(PinnedKey {
            algorithm: Algorithm::HS256,
            key: self.secret.clone().ok_or(Reason::UnknownKey)?,
        })
    }
}

/// A key and its only algorithm.
#[derive(Clone, Debug)]
struct PinnedKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl PinnedKey {
    /// Verifies a token and returns its claims.
    fn verify(
        &self,
        token: &str,
        issuer: &str,
        audiences: &[String],
        leeway_seconds: u32,
    ) -> Result<Claims, Reason> {
        let mut validation = Validation::new(self.algorithm);
        validation.leeway = leeway_seconds.into();
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[issuer]);
        validation.set_audience(audiences);
        Ok(jsonwebtoken::decode(token, &self.key, &validation)?.claims)
    }
}

/// The reason why a token is refused, for the log only.
#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("the scheme is not bearer")]
    Scheme,
    #[error("it is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    #[error("its header has a critical extension")]
    Critical,
    #[error("its issuer is unknown")]
    UnknownIssuer,
    #[error("it names no key")]
    NoKeyId,
    #[error("its key is not published for its algorithm")]
    UnknownKey,
    #[error(transparent)]
    Token(#[from] jsonwebtoken::errors::Error),
    #[error("its claim {0} is invalid")]
    Claim(&'static str),
    #[error("the time in its claim {0} is implausible")]
    Implausible(&'static str),
}

fn token_of(bearer: &str) -> Result<&str, Reason> {
    let (scheme, token) = bearer.split_once(' ').ok_or(Reason::Scheme)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Reason::Scheme);
    }
    let token = token.trim_start();
    if token.len() > MAX_TOKEN_BYTES {
        return Err(Reason::TooLong);
    }
    Ok(token)
}

fn header(token: &str) -> Result<jsonwebtoken::Header, Reason> {
    let header = jsonwebtoken::decode_header(token)?;
    // RFC 7515, 4.1.11: critical extensions that are not supported make the token invalid, and none is supported.
    match header.crit {
        Some(_) => Err(Reason::Critical),
        None => Ok(header),
    }
}

async fn key_by_id(keys: &Arc<KeySet>, token: &str) -> Result<PinnedKey, Reason> {
    let header = header(token)?;
    let id = header.kid.ok_or(Reason::NoKeyId)?;
    keys.find(&id)
        .await
        .filter(|key| key.algorithm == header.alg)
        .ok_or(Reason::UnknownKey)
}
