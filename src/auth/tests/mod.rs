//! Keys and tokens for the tests.

mod bad;
mod good;
mod keys;

use std::path::PathBuf;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::KeyPair;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use domain::access::{Person, Role, Scope, Service};
use domain::ids::{AdvertiserId, MerchantId, UserId};
use jsonwebtoken::{EncodingKey, Header};
use serde_json::{Value, json};
use uuid::{Uuid, uuid};

use super::tokens::{
    DevKeys, ServiceToken, UserToken, Validity, generate_dev_keys, is_development_secret,
    is_predictable, mint_service, mint_user,
};
use super::*;

const USER: Uuid = uuid!("01890a5d-ac96-774b-bcce-b302099a8057");
const OTHER: Uuid = uuid!("01890a5d-ac96-774b-bcce-b302099a8058");
const MICROSOFT_ROLE: &str = "http://schemas.microsoft.com/ws/2008/06/identity/claims/role";

/// An authenticator and the keys that it accepts.
struct Fixture {
    keys: DevKeys,
    rsa_pem: String,
    iam: DevKeys,
    authenticator: Authenticator,
    jwks_path: PathBuf,
}

impl Fixture {
    fn new(name: &str) -> Self {
        let keys = generate_dev_keys().unwrap();
        let iam = generate_dev_keys().unwrap();
        let (rsa_pem, rsa_jwk) = rsa();
        let dir = std::env::temp_dir().join(format!("goodgo-auth-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let services = dir.join("services.json");
        std::fs::write(&services, &keys.service_jwks).unwrap();
        let jwks_path = dir.join("iam.json");
        let mut jwks: Value = serde_json::from_str(&iam.service_jwks).unwrap();
        let list = jwks["keys"].as_array_mut().unwrap();
        list.push(rsa_jwk);
        list.push(json!({"kty": "oct", "kid": "shared", "k": URL_SAFE_NO_PAD.encode([7; 48])}));
        list.push(json!({"kty": "something new", "kid": 1}));
        std::fs::write(&jwks_path, jwks.to_string()).unwrap();
        let authenticator = Authenticator::new(AuthSettings {
            users: UserSettings {
                issuers: vec!["goodgo-platform".into(), "iam".into()],
                secret: Some(keys.user_secret.clone()),
                jwks: vec![JwksSource::File(jwks_path.clone())],
                ..UserSettings::default()
            },
            services: ServiceSettings {
                issuers: vec!["tills".into()],
                jwks: vec![JwksSource::File(services)],
                ..ServiceSettings::default()
            },
            development_keys: DevelopmentKeys::Accepted,
            leeway_seconds: DEFAULT_LEEWAY_SECONDS,
        })
        .unwrap();
        Self {
            keys,
            rsa_pem,
            iam,
            authenticator,
            jwks_path,
        }
    }

    async fn authenticate(&self, token: &str) -> Result<Principal, BadToken> {
        let bearer = format!("Bearer {token}");
        self.authenticator
            .authenticate(Some(&bearer))
            .await
            .map(|authenticated| authenticated.principal)
    }

    fn hs256(&self, claims: &Value) -> String {
        let key = EncodingKey::from_secret(self.keys.user_secret.as_bytes());
        sign(&Header::new(Algorithm::HS256), claims, &key)
    }

    fn ed25519(&self, claims: &Value) -> String {
        let kid = kid(&self.keys.service_jwks);
        sign(
            &with_kid(Algorithm::EdDSA, &kid),
            claims,
            &EncodingKey::from_ed_pem(self.keys.service_key_pem.as_bytes()).unwrap(),
        )
    }

    fn rs256(&self, claims: &Value) -> String {
        let key = EncodingKey::from_rsa_pem(self.rsa_pem.as_bytes()).unwrap();
        sign(&with_kid(Algorithm::RS256, "rsa-1"), claims, &key)
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if let Some(dir) = self.jwks_path.parent() {
            std::fs::remove_dir_all(dir).ok();
        }
    }
}

fn rsa() -> (String, Value) {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let body = STANDARD.encode(der.as_ref());
    let lines: Vec<&str> = body
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    let public = pair.public_key();
    let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let jwk = json!({
        "kty": "RSA", "kid": "rsa-1", "use": "sig", "alg": "RS256",
        "n": number(public.modulus().big_endian_without_leading_zero()),
        "e": number(public.exponent().big_endian_without_leading_zero()),
    });
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        lines.join("\n")
    );
    (pem, jwk)
}

fn kid(jwks: &str) -> String {
    let jwks: Value = serde_json::from_str(jwks).unwrap();
    jwks["keys"][0]["kid"].as_str().unwrap().to_owned()
}

fn with_kid(algorithm: Algorithm, kid: &str) -> Header {
    let mut header = Header::new(algorithm);
    header.kid = Some(kid.to_owned());
    header
}

fn sign(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    jsonwebtoken::encode(header, claims, key).unwrap()
}

fn in_seconds(seconds: i64) -> i64 {
    clock::instance_now().timestamp() + seconds
}

fn user_claims() -> Value {
    json!({
        "iss": "goodgo-platform", "aud": "goodgo-api", "sub": USER, "exp": in_seconds(60),
    })
}

fn service_claims() -> Value {
    json!({
        "iss": "tills", "aud": "goodgo-services", "sub": "till-7", "exp": in_seconds(60),
        "scope": "wallet:read wallet:hold unheard:of",
    })
}

fn with(mut claims: Value, name: &str, value: impl Into<Value>) -> Value {
    claims[name] = value.into();
    claims
}

fn without(mut claims: Value, name: &str) -> Value {
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn roles_of(principal: &Principal) -> Vec<Role> {
    principal.person().unwrap().roles.clone()
}
