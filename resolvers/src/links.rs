//! Links that need no token.

use std::sync::Arc;

use db::DbError;
use domain::time::Timestamp;
use futures_util::future::BoxFuture;
use serde_json::Value;

use crate::prelude::*;
use crate::scalars::Url;

/// Signs links to files of this server.
pub trait SignLinks: Send + Sync {
    /// The address of a path with these claims, and the time it stops working.
    fn sign(
        &self,
        path: String,
        claims: Value,
    ) -> BoxFuture<'_, Result<(String, Timestamp), DbError>>;
}

/// The signer of the process.
pub struct Links(pub Arc<dyn SignLinks>);

object! {
    /// Link that needs no token and works for five minutes.
    SignedUrl(url: String, expires_at: Timestamp) {
        /// Time the link stops working.
        expires_at: DateTime = expires_at.into(),
        /// Address of the file.
        url: Url = Url(url),
    }
}

impl SignedUrl {
    /// Signs a link to a path.
    pub(crate) async fn to(ctx: &Context<'_>, path: String, claims: Value) -> Result<Self> {
        let Links(signer) = ctx.operation().services.of_contexts.get();
        let (url, expires_at) = signer.sign(path, claims).await?;
        Ok(Self::of(url, expires_at))
    }
}
