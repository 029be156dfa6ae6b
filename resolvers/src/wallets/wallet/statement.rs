//! Links to statements of wallets.

use domain::wallets::WalletKey;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::objects::Wallet;
use crate::inputs::{DateTimeRangeInput, Parsed};
use crate::links::SignedUrl;
use crate::node::AnyId;
use crate::prelude::*;

/// What a link to a statement says beside the wallet, which is in its path.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StatementLink {
    /// Start, included; none for the first posting.
    pub from: Option<Timestamp>,
    /// End, excluded; none for the last posting.
    pub until: Option<Timestamp>,
}

/// The wallet of an id in the path of a link.
#[must_use]
pub fn wallet_key(id: &str) -> Option<WalletKey> {
    AnyId::of(id)
        .filter(|id| id.kind == Wallet::KIND)
        .and_then(|id| WalletKey::read(&id.key))
}

/// A link to the entries of a wallet that the caller may see.
pub(super) async fn link_to(
    ctx: &Context<'_>,
    key: WalletKey,
    period: Parsed<DateTimeRangeInput>,
) -> Result<SignedUrl> {
    let (from, until) = period.get()?.ends()?;
    if !key.kind.has_balance() {
        let problem = "this account keeps no running balance and has no statement: see `transfers`";
        return Err(ApiError::bad_input(problem));
    }
    let id = GlobalId::of::<Wallet>(&key).encode();
    let link = json!({"from": from, "until": until});
    SignedUrl::to(ctx, format!("/wallets/{id}/statement.csv"), link).await
}
