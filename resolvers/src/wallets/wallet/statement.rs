//! Links to statements of wallets.

use domain::wallets::WalletKey;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::inputs::{DateTimeRangeInput, Parsed};
use crate::links::SignedUrl;
use crate::prelude::*;

/// The period of a statement, signed in its link. The wallet is in the link's path.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StatementLink {
    /// Start, included; none for the first posting.
    pub from: Option<Timestamp>,
    /// End, excluded; none for the last posting.
    pub until: Option<Timestamp>,
}

/// A link to the entries of a wallet that the caller may see.
pub(super) async fn link_to(
    ctx: &Context<'_>,
    key: WalletKey,
    id: &GlobalId,
    period: Parsed<DateTimeRangeInput>,
) -> Result<SignedUrl> {
    let (from, until) = period.get()?.ends()?;
    if !key.kind.has_balance() {
        let problem = "this account keeps no running balance and has no statement: see `transfers`";
        return Err(ApiError::bad_input(problem));
    }
    let id = id.encode();
    let link = json!({"from": from, "until": until});
    SignedUrl::to(ctx, format!("/wallets/{id}/statement.csv"), link).await
}
