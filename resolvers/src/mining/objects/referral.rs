//! Who brought whom.

use async_graphql::{ComplexObject, Context, SimpleObject};
use db::mining as rows;
use db::mining::referrals::Place;
use domain::access::{Action, Relation};
use domain::ids::{MinerId, ReferralId};
use domain::mining as rules;
use uuid::Uuid;

use super::{MinerProfile, ReferralStatus, days, share};
use crate::errors::ApiError;
use crate::node::GlobalId;
use crate::plain::{Ready, plain};
use crate::request::Asked;
use crate::scalars::{DateTime, Decimal};

/// A referral of one miner by another: for both of them and staff.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Referral {
    /// Global id.
    pub id: GlobalId,
    /// Key for the platform's other services.
    pub uuid: Uuid,
    /// The code that was given: 8 characters.
    pub code: String,
    /// Where it stands.
    pub status: ReferralStatus,
    /// Whether it adds its bonus to the referrer's rate.
    pub is_active: bool,
    /// How far the referred person is from the referrer: always 1.
    pub level: i32,
    /// What it adds to the referrer's rate while it is active, as a share: `"0.2500"` is 25 %. It is that of the day the
    /// code was given.
    pub bonus_rate: Decimal,
    /// When the code was given.
    pub created_at: DateTime,
    /// When it first counted; null before.
    pub activated_at: Option<DateTime>,
    #[graphql(skip)]
    referrer_id: MinerId,
    #[graphql(skip)]
    referred_id: MinerId,
}

plain!(
    Referral,
    id,
    uuid,
    code,
    status,
    is_active,
    level,
    bonus_rate,
    created_at,
    activated_at
);

impl Referral {
    /// Loads a referral, if the caller is one of its two sides, or on the staff, or a service that may.
    pub(crate) async fn load(ctx: &Context<'_>, id: ReferralId) -> Result<Option<Self>, ApiError> {
        let Some(referral) = ctx.operation().mining.load_one(id).await? else {
            return Ok(None);
        };
        if !ctx.may(Action::ReferralRead, Relation::Others) {
            let Some(person) = ctx.principal().person() else {
                return Ok(None);
            };
            let own = ctx.operation().mining.load_one(person.id).await?;
            let is_side = own.is_some_and(|seen| {
                [referral.referrer_id, referral.referred_id].contains(&seen.miner.id)
            });
            if !ctx.may(Action::ReferralRead, is_side) {
                return Ok(None);
            }
        }
        Ok(Some(Self::shown(referral)))
    }

    /// A referral of a list whose audience may see it, with its place.
    pub(crate) fn placed(referral: rows::Referral) -> (Place, Self) {
        let place = (referral.created_at, referral.id.0);
        (place, Self::shown(referral))
    }

    fn shown(referral: rows::Referral) -> Self {
        Self {
            id: GlobalId::Referral(referral.id),
            uuid: referral.id.0,
            code: referral.code,
            status: referral.status.into(),
            is_active: referral.status == rules::ReferralStatus::Active,
            level: days(rules::ReferralConfiguration::LEVELS),
            bonus_rate: share(referral.bonus),
            created_at: referral.created_at.into(),
            activated_at: referral.activated_at.map(DateTime),
            referrer_id: referral.referrer_id,
            referred_id: referral.referred_id,
        }
    }
}

#[ComplexObject]
impl Referral {
    /// Who brought.
    async fn referrer(&self, ctx: &Context<'_>) -> Option<Result<Ready<MinerProfile>, ApiError>> {
        let profile = MinerProfile::load(ctx, self.referrer_id).await;
        profile.map(|profile| profile.map(Ready)).transpose()
    }

    /// Who was brought.
    async fn referred(&self, ctx: &Context<'_>) -> Option<Result<Ready<MinerProfile>, ApiError>> {
        let profile = MinerProfile::load(ctx, self.referred_id).await;
        profile.map(|profile| profile.map(Ready)).transpose()
    }
}
