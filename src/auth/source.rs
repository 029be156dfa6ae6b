//! Sources of key sets (JWKS), and the selection of usable keys.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;

use super::tokens::DEVELOPMENT_KEY_PREFIX;
use super::{DevelopmentKeys, PinnedKey};

const MAX_BYTES: usize = 256 * 1024;
const TIMEOUT: Duration = Duration::from_secs(5);

/// The source of a key set.
#[derive(Clone, derive_more::Debug, PartialEq, Eq)]
pub enum JwksSource {
    /// A URL.
    #[debug("Url({})", without_secrets(_0))]
    Url(reqwest::Url),
    /// A file.
    File(PathBuf),
}

impl FromStr for JwksSource {
    type Err = anyhow::Error;

    /// Parses an `http` or `https` URL, or else a path. Errors don't quote the text, whose password may be secret.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        ensure!(!text.is_empty(), "a JWKS needs a URL or a path");
        if let Some((scheme, _)) = text.split_once("://") {
            let is_known = ["https", "http"]
                .iter()
                .any(|known| scheme.eq_ignore_ascii_case(known));
            ensure!(
                is_known,
                "the URL of a JWKS must start with https:// or http://"
            );
            let url = text.parse().context("the URL of a JWKS can't be read")?;
            return Ok(Self::Url(url));
        }
        ensure!(
            !text.contains([':', '@', '?']),
            "a JWKS is a URL that starts with https:// or http://, or a path without `:`, `@` and `?`"
        );
        Ok(Self::File(text.into()))
    }
}

impl fmt::Display for JwksSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => f.write_str(&without_secrets(url)),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// A URL without user, password and query, which may be secret.
fn without_secrets(url: &reqwest::Url) -> String {
    let origin = url.origin().ascii_serialization();
    format!("{origin}{}", url.path())
}

/// Creates the client that fetches keys, without redirects and with a timeout.
pub fn client() -> anyhow::Result<reqwest::Client> {
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .context("the HTTP client for JWKS can't be created")
}

/// Keys by their ids.
pub(super) type Keys = HashMap<String, PinnedKey>;

/// Selects the usable keys of a set.
#[derive(Clone, Copy, Debug)]
pub struct KeyFilter {
    /// Accepted algorithms.
    pub algorithms: &'static [Algorithm],
    /// Whether development keys are accepted.
    pub development_keys: DevelopmentKeys,
}

impl JwksSource {
    /// Fetches the keys.
    pub(super) async fn fetch(
        &self,
        client: Option<&reqwest::Client>,
        filter: KeyFilter,
    ) -> anyhow::Result<Keys> {
        let bytes = match (self, client) {
            (Self::File(path), _) => tokio::fs::read(path).await?,
            (Self::Url(url), Some(client)) => download(client, url.clone()).await?,
            (Self::Url(_), None) => bail!("there is no client"),
        };
        filter.parse(&bytes)
    }

    /// Reads the keys if the source is a file, so that errors are detected at start.
    pub(super) fn read(&self, filter: KeyFilter) -> anyhow::Result<Keys> {
        match self {
            Self::Url(_) => Ok(Keys::new()),
            Self::File(path) => std::fs::read(path)
                .map_err(anyhow::Error::from)
                .and_then(|bytes| filter.parse(&bytes))
                .with_context(|| format!("can't read the JWKS {}", path.display())),
        }
    }
}

async fn download(client: &reqwest::Client, url: reqwest::Url) -> anyhow::Result<Vec<u8>> {
    let response = client.get(url).send().await;
    let mut response = response
        .and_then(reqwest::Response::error_for_status)
        .map_err(reqwest::Error::without_url)?;
    ensure!(
        response.status().is_success(),
        "it answered {}",
        response.status()
    );
    let mut bytes = Vec::new();
    let without_url = reqwest::Error::without_url;
    while let Some(chunk) = response.chunk().await.map_err(without_url)? {
        ensure!(
            bytes.len() + chunk.len() <= MAX_BYTES,
            "it is longer than {MAX_BYTES} bytes"
        );
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<serde_json::Value>,
}

impl KeyFilter {
    /// Parses a JWKS. Keys of other kinds are ignored.
    pub(super) fn parse(self, bytes: &[u8]) -> anyhow::Result<Keys> {
        ensure!(
            bytes.len() <= MAX_BYTES,
            "it is longer than {MAX_BYTES} bytes"
        );
        let jwks: Jwks = serde_json::from_slice(bytes).context("it is no JWKS")?;
        Ok(jwks
            .keys
            .into_iter()
            .filter_map(|key| serde_json::from_value(key).ok())
            .filter_map(|key| self.pin(&key))
            .collect())
    }

    fn pin(self, jwk: &Jwk) -> Option<(String, PinnedKey)> {
        let id = jwk.common.key_id.clone()?;
        if id.starts_with(DEVELOPMENT_KEY_PREFIX)
            && self.development_keys == DevelopmentKeys::Refused
        {
            tracing::error!(id, "Ignored the key {id}, because it is a development key");
            return None;
        }
        let algorithm = algorithm_of(jwk)?;
        let is_to_verify = matches!(
            jwk.common.public_key_use,
            None | Some(PublicKeyUse::Signature)
        ) && jwk
            .common
            .key_operations
            .as_ref()
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        if !is_to_verify || !self.algorithms.contains(&algorithm) {
            return None;
        }
        let key = DecodingKey::from_jwk(jwk).ok()?;
        Some((id, PinnedKey { algorithm, key }))
    }
}

/// The only algorithm of a key, by its kind. A published symmetric key has none.
fn algorithm_of(jwk: &Jwk) -> Option<Algorithm> {
    match (&jwk.algorithm, jwk.common.key_algorithm) {
        (AlgorithmParameters::RSA(_), None | Some(KeyAlgorithm::RS256)) => Some(Algorithm::RS256),
        (AlgorithmParameters::OctetKeyPair(pair), None | Some(KeyAlgorithm::EdDSA))
            if pair.curve == EllipticCurve::Ed25519 =>
        {
            Some(Algorithm::EdDSA)
        }
        _ => None,
    }
}
