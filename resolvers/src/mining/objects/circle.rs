//! Security circles.

use async_graphql::{ComplexObject, Context, SimpleObject};
use domain::access::Action;
use domain::ids::{CircleId, MinerId};
use domain::mining as rules;
use uuid::Uuid;

use super::{CircleStatus, MinerProfile, days, share};
use crate::errors::ApiError;
use crate::mining::loaders::MembersOf;
use crate::node::GlobalId;
use crate::request::Asked;
use crate::scalars::{DateTime, Decimal};

/// A security circle: three to five people who vouch for each other. For its members and staff.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct Circle {
    /// Global id.
    pub id: GlobalId,
    /// Key for the platform's other services.
    pub uuid: Uuid,
    /// Its name, 1 to 100 characters.
    pub name: String,
    /// Where it stands.
    pub status: CircleStatus,
    /// Active members, the owner included.
    pub member_count: i32,
    /// 60, 80 and 100 at 3, 4 and 5 members, else 0.
    pub trust_score: i32,
    /// What it adds to its members' rates, as a share: `"0.2500"` is 25 %.
    pub bonus_multiplier: Decimal,
    /// Whether it has the members it takes.
    pub is_valid: bool,
    /// When it was made.
    pub created_at: DateTime,
    #[graphql(skip)]
    owner_id: MinerId,
    #[graphql(skip)]
    circle_id: CircleId,
}

impl Circle {
    /// Loads a circle, if the caller is a member or on the staff.
    pub(crate) async fn load(ctx: &Context<'_>, id: CircleId) -> Result<Option<Self>, ApiError> {
        let own = match ctx.principal().person() {
            Some(person) => {
                let miner = ctx.operation().mining.load_one(person.id).await?;
                miner.is_some_and(|seen| seen.miner.circle_id == Some(id))
            }
            None => false,
        };
        if !ctx.may(Action::CircleRead, own) {
            return Ok(None);
        }
        Ok(ctx.operation().mining.load_one(id).await?.map(Self::shown))
    }

    pub(super) fn shown(circle: rules::Circle) -> Self {
        Self {
            id: GlobalId::Circle(circle.id),
            uuid: circle.id.0,
            status: circle.status.into(),
            member_count: days(circle.member_count),
            trust_score: circle.trust_score().into(),
            bonus_multiplier: share(circle.bonus()),
            is_valid: circle.is_valid(),
            created_at: circle.created_at.into(),
            owner_id: circle.owner_id,
            circle_id: circle.id,
            name: circle.name,
        }
    }
}

#[ComplexObject]
impl Circle {
    /// Who made it.
    async fn owner(&self, ctx: &Context<'_>) -> Option<Result<MinerProfile, ApiError>> {
        MinerProfile::load(ctx, self.owner_id).await.transpose()
    }

    /// Its active members in the order they joined, the owner first: 5 at most.
    async fn members(&self, ctx: &Context<'_>) -> Option<Result<Vec<CircleMember>, ApiError>> {
        let members = ctx
            .operation()
            .mining
            .load_one(MembersOf(self.circle_id))
            .await;
        Some(members.map_err(ApiError::from).map(|members| {
            members
                .unwrap_or_default()
                .into_iter()
                .map(|member| CircleMember {
                    joined_at: member.joined_at.into(),
                    is_owner: member.miner_id == self.owner_id,
                    miner_id: member.miner_id,
                })
                .collect()
        }))
    }
}

/// Somebody's membership of a circle.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct CircleMember {
    /// Since when.
    pub joined_at: DateTime,
    /// Whether they made the circle.
    pub is_owner: bool,
    #[graphql(skip)]
    miner_id: MinerId,
}

#[ComplexObject]
impl CircleMember {
    /// Who.
    async fn miner(&self, ctx: &Context<'_>) -> Option<Result<MinerProfile, ApiError>> {
        MinerProfile::load(ctx, self.miner_id).await.transpose()
    }
}
