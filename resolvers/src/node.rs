//! Global ids: opaque to clients, and one way to load whatever has one.

use async_graphql::{Context, ID, Interface, Value};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::ids::{
    ApprovalId, CircleId, CircleInvitationId, MinerId, ReferralId, SessionId, UserId,
};
use domain::money::CurrencyCode;
use domain::wallets::WalletOwner;
use uuid::Uuid;

use crate::errors::ApiError;
use crate::mining::objects::{
    Circle, CircleInvitation, Miner, MinerProfile, MiningSession, Referral,
};
use crate::platform::approvals::Approval;
use crate::platform::objects::Viewer;

use crate::wallets::objects::Wallet;

/// Something with a global id, which clients may cache under it.
#[derive(Interface)]
#[graphql(field(
    name = "id",
    ty = "&GlobalId",
    desc = "Global id: opaque and stable. Never parse it; `uuid` is for the platform's other services."
))]
pub enum Node {
    /// A miner, whole.
    Miner(Miner),
    /// What others see of a miner.
    MinerProfile(MinerProfile),
    /// A mining session.
    MiningSession(MiningSession),
    /// A circle.
    Circle(Circle),
    /// A command that waits for a second person.
    Approval(Approval),
    /// An invitation into a circle.
    CircleInvitation(CircleInvitation),
    /// A referral.
    Referral(Referral),
    /// A wallet.
    Wallet(Wallet),
    /// The caller.
    Viewer(Viewer),
}

/// What a global id names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GlobalId {
    /// A miner, whole.
    Miner(MinerId),
    /// What others see of a miner.
    MinerProfile(MinerId),
    /// A mining session.
    MiningSession(SessionId),
    /// A circle.
    Circle(CircleId),
    /// A command that waits for a second person.
    Approval(ApprovalId),
    /// An invitation into a circle.
    CircleInvitation(CircleInvitationId),
    /// A referral.
    Referral(ReferralId),
    /// An owner's ordinary wallet of a currency.
    Wallet(WalletOwner, CurrencyCode),
    /// A caller.
    Viewer(UserId),
}

impl GlobalId {
    /// The id as the engine's value.
    pub(crate) fn to_value(self) -> Value {
        Value::String(self.encode())
    }

    /// Writes the id.
    #[must_use]
    pub fn encode(&self) -> String {
        let plain = match self {
            Self::Miner(id) => format!("Miner:{}", id.0.simple()),
            Self::MinerProfile(id) => format!("MinerProfile:{}", id.0.simple()),
            Self::MiningSession(id) => format!("MiningSession:{}", id.0.simple()),
            Self::Circle(id) => format!("Circle:{}", id.0.simple()),
            Self::Approval(id) => format!("Approval:{}", id.0.simple()),
            Self::CircleInvitation(id) => format!("CircleInvitation:{}", id.0.simple()),
            Self::Referral(id) => format!("Referral:{}", id.0.simple()),
            Self::Wallet(owner, currency) => {
                let kind = db::wallets::queries::owner_kind_text(owner.kind);
                format!("Wallet:{kind}:{}:{currency}", owner.id.simple())
            }
            Self::Viewer(id) => format!("Viewer:{}", id.0.simple()),
        };
        URL_SAFE_NO_PAD.encode(plain)
    }

    /// Reads an id; what no `id` field ever answered is bad input.
    pub fn decode(id: &ID) -> Result<Self, ApiError> {
        Self::read(id).ok_or_else(|| {
            ApiError::bad_input("this is no id: take one from an `id` field, as it is")
        })
    }

    fn read(id: &ID) -> Option<Self> {
        let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(id.as_bytes()).ok()?).ok()?;
        let mut parts = plain.split(':');
        let kind = parts.next()?;
        let uuid = |parts: &mut std::str::Split<'_, char>| Uuid::try_parse(parts.next()?).ok();
        let read = match kind {
            "Miner" => Self::Miner(MinerId(uuid(&mut parts)?)),
            "MinerProfile" => Self::MinerProfile(MinerId(uuid(&mut parts)?)),
            "MiningSession" => Self::MiningSession(SessionId(uuid(&mut parts)?)),
            "Circle" => Self::Circle(CircleId(uuid(&mut parts)?)),
            "Approval" => Self::Approval(ApprovalId(uuid(&mut parts)?)),
            "CircleInvitation" => Self::CircleInvitation(CircleInvitationId(uuid(&mut parts)?)),
            "Referral" => Self::Referral(ReferralId(uuid(&mut parts)?)),
            "Viewer" => Self::Viewer(UserId(uuid(&mut parts)?)),
            "Wallet" => {
                let kind = db::wallets::queries::owner_kind(parts.next()?)?;
                let id = uuid(&mut parts)?;
                Self::Wallet(
                    WalletOwner { kind, id },
                    CurrencyCode::parse(parts.next()?)?,
                )
            }
            _ => return None,
        };
        parts.next().is_none().then_some(read)
    }
}

impl Node {
    /// Loads what an id names, if it is there for this caller.
    pub async fn load(ctx: &Context<'_>, id: GlobalId) -> Result<Option<Self>, ApiError> {
        Ok(match id {
            GlobalId::Miner(id) => Miner::load(ctx, id).await?.map(Self::Miner),
            GlobalId::MinerProfile(id) => {
                MinerProfile::load(ctx, id).await?.map(Self::MinerProfile)
            }
            GlobalId::MiningSession(id) => {
                MiningSession::load(ctx, id).await?.map(Self::MiningSession)
            }
            GlobalId::Circle(id) => Circle::load(ctx, id).await?.map(Self::Circle),
            GlobalId::Approval(id) => Approval::load(ctx, id).await?.map(Self::Approval),
            GlobalId::CircleInvitation(id) => CircleInvitation::load(ctx, id)
                .await?
                .map(Self::CircleInvitation),
            GlobalId::Referral(id) => Referral::load(ctx, id).await?.map(Self::Referral),
            GlobalId::Wallet(owner, currency) => {
                Wallet::load(ctx, owner, currency).await?.map(Self::Wallet)
            }
            GlobalId::Viewer(id) => Viewer::of(ctx)
                .filter(|viewer| viewer.is(id))
                .map(Self::Viewer),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_were_written() {
        let uuid = Uuid::from_u128(7);
        for id in [
            GlobalId::Miner(MinerId(uuid)),
            GlobalId::MinerProfile(MinerId(uuid)),
            GlobalId::MiningSession(SessionId(uuid)),
            GlobalId::Circle(CircleId(uuid)),
            GlobalId::Approval(ApprovalId(uuid)),
            GlobalId::CircleInvitation(CircleInvitationId(uuid)),
            GlobalId::Referral(ReferralId(uuid)),
            GlobalId::Wallet(UserId(uuid).into(), CurrencyCode::MP),
            GlobalId::Viewer(UserId(uuid)),
        ] {
            assert_eq!(GlobalId::decode(&ID(id.encode())).ok(), Some(id));
        }
        for bad in ["", "1", "Miner:7", "TWluZXI6Nw", "☃"] {
            assert!(GlobalId::decode(&ID(bad.to_owned())).is_err(), "{bad}");
        }
    }
}
