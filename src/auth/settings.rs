//! Settings of the authentication, and their validation.

use anyhow::ensure;

use super::source::JwksSource;
use super::tokens::{is_development_secret, is_predictable};

/// RFC 7518, 3.2: a key for HS256 has at least the size of the hash.
const MIN_SECRET_BYTES: usize = 32;

/// Accepted tokens.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// Tokens of users.
    pub users: UserSettings,
    /// Tokens of services.
    pub services: ServiceSettings,
    /// Whether development keys are accepted.
    pub development_keys: DevelopmentKeys,
    /// Tolerated difference to the clocks of issuers.
    pub leeway_seconds: u32,
}

/// The default of `JWT_LEEWAY_SECONDS`.
pub const DEFAULT_LEEWAY_SECONDS: u32 = 30;

/// Whether keys made for development are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevelopmentKeys {
    /// In development.
    Accepted,
    /// In production. The server refuses to start with a development secret, and ignores published development keys.
    Refused,
}

/// Accepted tokens of users.
#[derive(Clone, derive_more::Debug)]
pub struct UserSettings {
    /// Accepted `iss`.
    pub issuers: Vec<String>,
    /// Accepted `aud`: a token needs one of them.
    pub audiences: Vec<String>,
    /// The platform's secret for HS256; without it only published keys count.
    #[debug("[redacted]")]
    pub secret: Option<String>,
    /// Key sets of IAM.
    pub jwks: Vec<JwksSource>,
}

impl Default for UserSettings {
    fn default() -> Self {
        Self {
            issuers: vec!["goodgo-platform".into()],
            audiences: default_audiences(),
            secret: None,
            jwks: Vec::new(),
        }
    }
}

/// Accepted tokens of services.
#[derive(Clone, Debug)]
pub struct ServiceSettings {
    /// Accepted `iss`; without any, no service is accepted.
    pub issuers: Vec<String>,
    /// Accepted `aud`: a token needs one of them.
    pub audiences: Vec<String>,
    /// Key sets of the services.
    pub jwks: Vec<JwksSource>,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            issuers: Vec::new(),
            audiences: default_audiences(),
            jwks: Vec::new(),
        }
    }
}

fn default_audiences() -> Vec<String> {
    vec!["goodgo-services".into(), "goodgo-api".into()]
}

impl AuthSettings {
    /// Refuses settings that are insecure or accept no token.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let Self {
            users, services, ..
        } = self;
        ensure!(
            !users.issuers.is_empty(),
            "there is no issuer of user tokens: set one"
        );
        ensure!(
            !users.audiences.is_empty() && !services.audiences.is_empty(),
            "there is no audience of tokens: set one"
        );
        ensure!(
            users.secret.is_some() || !users.jwks.is_empty(),
            "there is no key for user tokens: set the secret or a JWKS"
        );
        if let Some(both) = users
            .issuers
            .iter()
            .find(|issuer| services.issuers.contains(issuer))
        {
            anyhow::bail!("the issuer {both} is listed for users and for services: remove one");
        }
        if let Some(secret) = &users.secret {
            ensure!(
                secret.len() >= MIN_SECRET_BYTES,
                "the secret for user tokens has {} bytes: it needs at least {MIN_SECRET_BYTES}",
                secret.len()
            );
            ensure!(
                self.development_keys == DevelopmentKeys::Accepted
                    || !is_development_secret(secret),
                "the secret for user tokens is a development secret: generate a new one"
            );
            ensure!(
                self.development_keys == DevelopmentKeys::Accepted || !is_predictable(secret),
                "the secret for user tokens is predictable: generate at least {MIN_SECRET_BYTES} random bytes"
            );
        }
        Ok(())
    }
}
