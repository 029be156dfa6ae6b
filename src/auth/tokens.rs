//! Makes tokens and keys for development, marked so that production knows them.

use anyhow::Context;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use domain::access::{Role, Scope};
use domain::ids::{AdvertiserId, MerchantId, UserId};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};

/// What a generated secret starts with.
pub const DEVELOPMENT_SECRET_PREFIX: &str = "goodgo-dev-";

/// What the id of a generated key starts with.
pub const DEVELOPMENT_KEY_PREFIX: &str = "dev-";

/// Secrets that are printed in documentation.
const WELL_KNOWN_SECRETS: [&str; 1] = ["your-super-secret-key-min-32-characters"];

/// The keys of a development machine.
#[derive(Clone)]
pub struct DevKeys {
    /// Signs users' tokens.
    pub user_secret: String,
    /// Signs services' tokens: an Ed25519 key in PKCS#8, as PEM.
    pub service_key_pem: String,
    /// What verifies services' tokens.
    pub service_jwks: String,
}

/// When a token is good.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// From when.
    pub from: DateTime<Utc>,
    /// How long.
    pub lifetime: TimeDelta,
}

/// What a user's token says.
#[derive(Clone, Copy, Debug)]
pub struct UserToken<'a> {
    /// Who says so.
    pub issuer: &'a str,
    /// For whom.
    pub audience: &'a str,
    /// Who.
    pub user_id: UserId,
    /// What they are.
    pub roles: &'a [Role],
    /// Their name.
    pub name: Option<&'a str>,
    /// Which merchant they act for.
    pub merchant_id: Option<MerchantId>,
    /// Which advertiser they act for.
    pub advertiser_id: Option<AdvertiserId>,
    /// When.
    pub validity: Validity,
}

/// What a service's token says.
#[derive(Clone, Copy, Debug)]
pub struct ServiceToken<'a> {
    /// Who says so.
    pub issuer: &'a str,
    /// For whom.
    pub audience: &'a str,
    /// Which service.
    pub subject: &'a str,
    /// What it may do.
    pub scopes: &'a [Scope],
    /// When.
    pub validity: Validity,
}

/// Whether a secret is one of development, or printed where everybody can read it.
#[must_use]
pub fn is_development_secret(secret: &str) -> bool {
    let secret = secret.trim();
    secret.starts_with(DEVELOPMENT_SECRET_PREFIX) || WELL_KNOWN_SECRETS.contains(&secret)
}

/// Makes keys nobody else has.
pub fn generate_dev_keys() -> anyhow::Result<DevKeys> {
    let mut secret = [0; 48];
    aws_lc_rs::rand::fill(&mut secret).context("can't make a secret")?;
    let document =
        Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).context("can't make a key")?;
    let public = public_key(document.as_ref())?;
    let jwks = json!({"keys": [{
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
        "kid": key_id(&public),
        "x": URL_SAFE_NO_PAD.encode(public),
    }]});
    Ok(DevKeys {
        user_secret: format!(
            "{DEVELOPMENT_SECRET_PREFIX}{}",
            URL_SAFE_NO_PAD.encode(secret)
        ),
        service_key_pem: format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(document)
        ),
        service_jwks: format!("{jwks:#}\n"),
    })
}

/// Makes a user's token.
pub fn mint_user(secret: &str, token: &UserToken<'_>) -> anyhow::Result<String> {
    let claims = UserClaims {
        registered: Registered::new(token.issuer, token.audience, token.validity),
        sub: token.user_id.to_string(),
        roles: token.roles.iter().map(|role| role.name()).collect(),
        name: token.name,
        merchant_id: token.merchant_id.map(|id| id.to_string()),
        advertiser_id: token.advertiser_id.map(|id| id.to_string()),
    };
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
        .context("can't sign a user's token")
}

/// Makes a service's token, with a key [`generate_dev_keys`] made.
pub fn mint_service(key_pem: &str, token: &ServiceToken<'_>) -> anyhow::Result<String> {
    let claims = ServiceClaims {
        registered: Registered::new(token.issuer, token.audience, token.validity),
        sub: token.subject,
        scope: token
            .scopes
            .iter()
            .map(|scope| scope.name())
            .collect::<Vec<_>>()
            .join(" "),
    };
    let key = EncodingKey::from_ed_pem(key_pem.as_bytes())
        .context("the services' key is no Ed25519 key")?;
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(key_id(&public_key(key.as_bytes())?));
    jsonwebtoken::encode(&header, &claims, &key).context("can't sign a service's token")
}

#[derive(Serialize)]
struct Registered<'a> {
    iss: &'a str,
    aud: &'a str,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl<'a> Registered<'a> {
    fn new(iss: &'a str, aud: &'a str, validity: Validity) -> Self {
        let from = validity.from.timestamp();
        Self {
            iss,
            aud,
            iat: from,
            nbf: from,
            exp: from.saturating_add(validity.lifetime.num_seconds()),
        }
    }
}

#[derive(Serialize)]
struct UserClaims<'a> {
    #[serde(flatten)]
    registered: Registered<'a>,
    sub: String,
    roles: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advertiser_id: Option<String>,
}

#[derive(Serialize)]
struct ServiceClaims<'a> {
    #[serde(flatten)]
    registered: Registered<'a>,
    sub: &'a str,
    scope: String,
}

fn public_key(pkcs8: &[u8]) -> anyhow::Result<Vec<u8>> {
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8)
        .ok()
        .context("the services' key is no Ed25519 key")?;
    Ok(pair.public_key().as_ref().to_vec())
}

/// Names a key by what it is, so that a new one has a new name.
fn key_id(public_key: &[u8]) -> String {
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(public_key));
    format!("{DEVELOPMENT_KEY_PREFIX}{}", &hash[..16])
}
