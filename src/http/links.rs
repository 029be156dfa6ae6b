//! Signed links: tokens that are limited to one file and five minutes.

use std::sync::Arc;

use chrono::TimeDelta;
use db::{Db, DbError, links};
use domain::time::Timestamp;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use resolvers::links::SignLinks;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::auth::clock::instance_now;

/// Lifetime of a link.
const LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// Signs and checks links with the key that all instances of a database share.
#[derive(Clone)]
pub struct LinkSigner {
    db: Db,
    /// Start of the addresses, without a slash at the end.
    server: Arc<str>,
    key: Arc<OnceCell<Vec<u8>>>,
}

/// The query of a signed link.
#[derive(Deserialize)]
pub struct Signed {
    /// The link's token.
    pub token: String,
}

/// The claims of a link's token.
#[derive(Serialize, Deserialize)]
struct Claims<T> {
    /// Path of the file.
    path: String,
    /// Time the link stops working, in seconds.
    exp: i64,
    /// Parameters of the file, such as its period.
    of: T,
}

impl LinkSigner {
    /// A signer of links to this server.
    #[must_use]
    pub fn new(db: Db, server: Arc<str>) -> Self {
        Self {
            db,
            server,
            key: Arc::default(),
        }
    }

    async fn key(&self) -> Result<&[u8], DbError> {
        let read = || self.db.read(async |conn| links::key(conn).await);
        Ok(self.key.get_or_try_init(read).await?)
    }

    /// The parameters in a token; none when it is invalid for this path or has expired.
    pub async fn check<T>(&self, path: &str, token: &str) -> Result<Option<T>, DbError>
    where
        T: DeserializeOwned + Clone,
    {
        let key = DecodingKey::from_secret(self.key().await?);
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_aud = false;
        validation.leeway = 0;
        let token = jsonwebtoken::decode::<Claims<T>>(token, &key, &validation);
        let claims = token.ok().map(|token| token.claims);
        Ok(claims
            .filter(|claims| claims.path == path)
            .map(|claims| claims.of))
    }
}

impl SignLinks for LinkSigner {
    fn sign(&self, path: String, of: Value) -> BoxFuture<'_, Result<(String, Timestamp), DbError>> {
        async move {
            let expires_at = instance_now() + LIFETIME;
            let claims = Claims {
                path,
                exp: expires_at.timestamp(),
                of,
            };
            let key = EncodingKey::from_secret(self.key().await?);
            let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key)
                .map_err(|error| {
                    DbError::Unavailable(format!("a link can't be signed: {error}"))
                })?;
            let url = format!("{}{}?token={token}", self.server, claims.path);
            Ok((url, expires_at))
        }
        .boxed()
    }
}
