//! Whose tokens are accepted, and the checks that the answer makes sense.

use std::fmt;

use anyhow::ensure;

use super::source::JwksSource;
use super::tokens::is_development_secret;

/// RFC 7518, 3.2: a key for HS256 has at least the size of the hash.
const MIN_SECRET_BYTES: usize = 32;

/// Whose tokens are accepted.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// People's.
    pub users: UserSettings,
    /// Other services'.
    pub services: ServiceSettings,
    /// Whether keys everybody can know are good enough.
    pub development_keys: DevelopmentKeys,
}

/// Whether keys made for development are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DevelopmentKeys {
    /// In development.
    Accepted,
    /// In production: a development secret doesn't start, a development key is left out.
    Refused,
}

/// Who vouches for people.
#[derive(Clone)]
pub struct UserSettings {
    /// Accepted `iss`.
    pub issuers: Vec<String>,
    /// Accepted `aud`: a token needs one of them.
    pub audiences: Vec<String>,
    /// The platform's secret for HS256; none, and only published keys count.
    pub secret: Option<String>,
    /// Where IAM publishes its keys.
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

/// Leaves the secret out of every log.
impl fmt::Debug for UserSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserSettings")
            .field("issuers", &self.issuers)
            .field("audiences", &self.audiences)
            .field("secret", &self.secret.as_ref().map(|_| "[redacted]"))
            .field("jwks", &self.jwks)
            .finish()
    }
}

/// Who vouches for services.
#[derive(Clone, Debug)]
pub struct ServiceSettings {
    /// Accepted `iss`; none, and no service is let in.
    pub issuers: Vec<String>,
    /// Accepted `aud`: a token needs one of them.
    pub audiences: Vec<String>,
    /// Where they publish their keys.
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
    /// Refuses what would let the wrong ones in, or nobody.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let Self {
            users, services, ..
        } = self;
        ensure!(
            !users.issuers.is_empty(),
            "there is no issuer of users' tokens: name one"
        );
        ensure!(
            !users.audiences.is_empty() && !services.audiences.is_empty(),
            "there is no audience of tokens: name one"
        );
        ensure!(
            users.secret.is_some() || !users.jwks.is_empty(),
            "there is no key for users' tokens: give the secret or a JWKS"
        );
        if let Some(both) = users
            .issuers
            .iter()
            .find(|issuer| services.issuers.contains(issuer))
        {
            anyhow::bail!("the issuer {both} is one of users and of services: it can be one only");
        }
        if let Some(secret) = &users.secret {
            ensure!(
                secret.len() >= MIN_SECRET_BYTES,
                "the secret for users' tokens has {} bytes: it needs at least {MIN_SECRET_BYTES}",
                secret.len()
            );
            ensure!(
                self.development_keys == DevelopmentKeys::Accepted
                    || !is_development_secret(secret),
                "the secret for users' tokens is one of development: make a new one"
            );
        }
        Ok(())
    }
}
