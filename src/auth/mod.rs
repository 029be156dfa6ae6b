//! Bearer tokens in, principals out.
//!
//! A token is checked by the key its issuer may use and by no other: users' issuers by the platform's secret (HS256) or
//! by the keys IAM publishes (RS256, `EdDSA`), services' issuers by the keys they publish (`EdDSA`). The algorithm belongs
//! to the key, never to the token. Roles count only in users' tokens, scopes only in services'.
//!
//! Every kind of bad token is refused with the same words, so that nobody learns from us how to make a better one; the
//! reason is in the log, at debug.

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

use chrono::{DateTime, Utc};
use domain::access::Principal;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, dangerous};

use cache::VerifiedTokens;
use claims::{Claims, Issued};
use keys::KeySet;
pub use settings::{AuthSettings, DevelopmentKeys, ServiceSettings, UserSettings};
pub use source::JwksSource;

/// A longer token is not looked at.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// How far the clocks of issuers may be off.
const LEEWAY_SECONDS: u64 = 5;

/// Who asks, and until when that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated {
    /// Who.
    pub principal: Principal,
    /// When their token expires; nobody's never does.
    pub expires_at: Option<DateTime<Utc>>,
}

/// A token that isn't good, for whatever reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bearer token is not valid: get a new one")]
pub struct BadToken;

/// Tells who a bearer token is from.
#[derive(Debug)]
pub struct Authenticator {
    users: UserSettings,
    secret: Option<DecodingKey>,
    user_keys: Arc<KeySet>,
    services: ServiceSettings,
    service_keys: Arc<KeySet>,
    verified: VerifiedTokens,
}

impl Authenticator {
    /// Builds it, and reads the keys that are in files. Keys from elsewhere are fetched when first needed.
    pub fn new(settings: AuthSettings) -> anyhow::Result<Self> {
        settings.check()?;
        let AuthSettings {
            users,
            services,
            development_keys,
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
            verified: VerifiedTokens::default(),
        })
    }

    /// Tells who asks, from the value of an `Authorization` header or of the socket's `connection_init`.
    ///
    /// None, or an empty one as some clients send before they have a token, is nobody.
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
        let authenticated = if self.users.issuers.contains(&issuer) {
            let key = self.key_of_user(token).await?;
            claims::person(key.read(token, &issuer, &self.users.audiences)?)?
        } else if self.services.issuers.contains(&issuer) {
            let key = key_by_id(&self.service_keys, token).await?;
            claims::service(key.read(token, &issuer, &self.services.audiences)?)?
        } else {
            return Err(Reason::UnknownIssuer);
        };
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

/// A key and the one algorithm it is for.
#[derive(Clone, Debug)]
struct PinnedKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl PinnedKey {
    /// Reads the token's claims, having checked all that doesn't depend on what they are for.
    fn read(&self, token: &str, issuer: &str, audiences: &[String]) -> Result<Claims, Reason> {
        let mut validation = Validation::new(self.algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.set_issuer(&[issuer]);
        validation.set_audience(audiences);
        Ok(jsonwebtoken::decode(token, &self.key, &validation)?.claims)
    }
}

/// Why a token is refused: for our log only.
#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("the scheme is not bearer")]
    Scheme,
    #[error("it is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    #[error("its header demands what nobody here understands")]
    Critical,
    #[error("its issuer is not on our lists")]
    UnknownIssuer,
    #[error("it names no key")]
    NoKeyId,
    #[error("nobody published its key for its algorithm")]
    UnknownKey,
    #[error(transparent)]
    Token(#[from] jsonwebtoken::errors::Error),
    #[error("its claim {0} makes no sense")]
    Claim(&'static str),
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
    // RFC 7515, 4.1.11: what is critical and not understood makes the token invalid; we understand no extension.
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
