//! Generates tokens and keys for development, marked so that production refuses them.

use std::collections::HashMap;

use anyhow::Context;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use domain::access::{Role, Scope};
use domain::ids::{AdvertiserId, MerchantId, UserId};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The prefix of a generated secret.
pub const DEVELOPMENT_SECRET_PREFIX: &str = "goodgo-dev-";

/// The prefix of a generated key's id.
pub const DEVELOPMENT_KEY_PREFIX: &str = "dev-";

/// Secrets that are printed in documentation.
const WELL_KNOWN_SECRETS: [&str; 1] = ["your-super-secret-key-min-32-characters"];

/// Words of secrets that are printed in documentation or typed by hand. Random text has none of them.
const PREDICTABLE_WORDS: [&str; 8] = [
    "secret", "change", "example", "password", "default", "qwerty", "asdfgh", "goodgo",
];

/// Generated keys.
#[derive(Clone)]
pub struct DevKeys {
    /// Key of user tokens.
    pub user_secret: String,
    /// Signing key of service tokens: Ed25519 in PKCS#8, as PEM.
    pub service_key_pem: String,
    /// Key set that verifies service tokens.
    pub service_jwks: String,
}

/// The validity of a token.
#[derive(Clone, Copy, Debug)]
pub struct Validity {
    /// Start.
    pub from: DateTime<Utc>,
    /// Duration.
    pub lifetime: TimeDelta,
}

/// The claims of a user token.
#[derive(Clone, Copy, Debug)]
pub struct UserToken<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// The audience.
    pub audience: &'a str,
    /// The user.
    pub user_id: UserId,
    /// The roles.
    pub roles: &'a [Role],
    /// The display name.
    pub name: Option<&'a str>,
    /// The merchant that the user acts for.
    pub merchant_id: Option<MerchantId>,
    /// The advertiser that the user acts for.
    pub advertiser_id: Option<AdvertiserId>,
    /// The validity.
    pub validity: Validity,
}

/// The claims of a service token.
#[derive(Clone, Copy, Debug)]
pub struct ServiceToken<'a> {
    /// The issuer.
    pub issuer: &'a str,
    /// The audience.
    pub audience: &'a str,
    /// The service.
    pub subject: &'a str,
    /// The scopes.
    pub scopes: &'a [Scope],
    /// The validity.
    pub validity: Validity,
}

/// Whether a secret is a development secret or published in documentation.
#[must_use]
pub fn is_development_secret(secret: &str) -> bool {
    let secret = secret.trim().to_ascii_lowercase();
    secret.starts_with(DEVELOPMENT_SECRET_PREFIX) || WELL_KNOWN_SECRETS.contains(&&*secret)
}

/// Fewer bits of information than this are too few for a secret. 32 random hexadecimal digits have more.
const MIN_SECRET_BITS: f64 = 96.0;

/// Whether a secret that is no development secret can be guessed: it has a common word, repeats few characters or a short
/// block, or counts up or down.
#[must_use]
pub fn is_predictable(secret: &str) -> bool {
    if is_development_secret(secret) {
        return false;
    }
    let lower = secret.to_ascii_lowercase();
    if PREDICTABLE_WORDS.iter().any(|word| lower.contains(word)) {
        return true;
    }
    let bytes = secret.trim().as_bytes();
    let is_repeated = |length: &usize| {
        let mut pairs = bytes.iter().zip(bytes.iter().skip(*length));
        pairs.all(|(first, second)| first == second)
    };
    let length = (1..=bytes.len() / 2).find(is_repeated);
    let block = bytes.get(..length.unwrap_or(bytes.len())).unwrap_or(bytes);
    let steps = block
        .windows(2)
        .filter(|pair| pair[0].abs_diff(pair[1]) <= 1);
    steps.count() * 2 > block.len() || information(block) < MIN_SECRET_BITS
}

/// The information of a text in bits, by the frequencies of its bytes.
fn information(text: &[u8]) -> f64 {
    let size = |count: usize| u32::try_from(count).map_or(f64::INFINITY, f64::from);
    let mut counts = HashMap::<u8, usize>::new();
    for byte in text {
        *counts.entry(*byte).or_default() += 1;
    }
    let bits = |count: &usize| size(*count) * (size(text.len()) / size(*count)).log2();
    counts.values().map(bits).sum()
}

/// Generates new keys.
pub fn generate_dev_keys() -> anyhow::Result<DevKeys> {
    let mut secret = [0; 48];
    aws_lc_rs::rand::fill(&mut secret).context("a secret can't be generated")?;
    let document = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new())
        .context("a key can't be generated")?;
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

/// Signs a user token.
pub fn mint_user(secret: &str, token: &UserToken<'_>) -> anyhow::Result<String> {
    let mut claims = registered(token.issuer, token.audience, token.validity);
    claims["sub"] = token.user_id.to_string().into();
    claims["roles"] = token.roles.iter().map(|role| role.name()).collect();
    for (claim, value) in [
        ("name", token.name.map(str::to_owned)),
        ("merchant_id", token.merchant_id.map(|id| id.to_string())),
        (
            "advertiser_id",
            token.advertiser_id.map(|id| id.to_string()),
        ),
    ] {
        if let Some(value) = value {
            claims[claim] = value.into();
        }
    }
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
        .context("the user token can't be signed")
}

/// Signs a service token with a key of [`generate_dev_keys`].
pub fn mint_service(key_pem: &str, token: &ServiceToken<'_>) -> anyhow::Result<String> {
    let scopes: Vec<_> = token.scopes.iter().map(|scope| scope.name()).collect();
    let mut claims = registered(token.issuer, token.audience, token.validity);
    claims["sub"] = token.subject.into();
    claims["scope"] = scopes.join(" ").into();
    let key = EncodingKey::from_ed_pem(key_pem.as_bytes())
        .context("the key of service tokens is no Ed25519 key")?;
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(key_id(&public_key(key.as_bytes())?));
    jsonwebtoken::encode(&header, &claims, &key).context("the service token can't be signed")
}

/// The registered claims of both kinds of tokens.
fn registered(issuer: &str, audience: &str, validity: Validity) -> Value {
    let from = validity.from.timestamp();
    let until = from.saturating_add(validity.lifetime.num_seconds());
    json!({"iss": issuer, "aud": audience, "iat": from, "nbf": from, "exp": until})
}

fn public_key(pkcs8: &[u8]) -> anyhow::Result<Vec<u8>> {
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8)
        .ok()
        .context("the key of service tokens is no Ed25519 key")?;
    Ok(pair.public_key().as_ref().to_vec())
}

/// The id of a key, derived from the public key.
fn key_id(public_key: &[u8]) -> String {
    let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(public_key));
    format!("{DEVELOPMENT_KEY_PREFIX}{}", &hash[..16])
}
