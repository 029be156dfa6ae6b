//! Tokens for the till: what the QR code of a voucher shows in place of its code.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use crate::links;
use crate::prelude::*;

/// The claims of a token. Signed links have others, so that neither passes for the other.
#[derive(Serialize, Deserialize)]
struct Claims {
    /// Merchant and voucher.
    till: [Uuid; 2],
    /// Time it stops working, in seconds.
    exp: i64,
}

/// Signs a token for a voucher that works until a time.
pub async fn sign(conn: &mut Connection, id: VoucherId, expires_at: Timestamp) -> Result<String> {
    let key = EncodingKey::from_secret(&links::key(conn).await?);
    let claims = Claims {
        till: id.into(),
        exp: expires_at.timestamp(),
    };
    let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key);
    token.map_err(|error| DbError::Unavailable(format!("a token can't be signed: {error}")))
}

/// The voucher of a token; none for one that is invalid or has expired.
pub(super) async fn read(conn: &mut Connection, token: &str) -> Result<Option<VoucherId>> {
    let key = DecodingKey::from_secret(&links::key(conn).await?);
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_aud = false;
    validation.leeway = 0;
    let token = jsonwebtoken::decode::<Claims>(token, &key, &validation);
    Ok(token.ok().map(|token| token.claims.till.into()))
}
