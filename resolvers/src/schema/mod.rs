//! The schema: the only folder that names every context.

mod system_configuration;

use std::borrow::Cow;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    ContextSelectionSet, MergedObject, MergedSubscription, OutputType, Positioned, Request,
    Response, SDLExportOptions, Schema as AnySchema, ServerError, ServerResult, ValidationMode,
    Value,
};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;

use crate::abstracts::{AbstractType, add_members};
use crate::mining::{
    circle, configuration as mining_configuration, miner, referral, session, streak,
};
use crate::node::{AnyNode, Nodes, RegisteredNode};
use crate::platform::approval::{AnyProposal, RegisteredProposal};
use crate::platform::configuration::AnyVersion;
use crate::platform::users::ViewerAccount;
use crate::platform::{approval, audit, configuration, job, nodes, server};
use crate::prelude::*;
use crate::request::{ContextServices, Engine};
use crate::type_index::TypeIndex;
use crate::user_errors::{AnyUserError, RegisteredUserError, UserErrors};
use crate::validation::Validator;
use crate::wallets::references::{AnyReference, References, RegisteredReference, ServiceReference};
use crate::wallets::{conversion, deposit, hold, reconciliation, settlement, wallet, withdrawal};
use crate::{describe, limits, mining, platform, promotions, wallets};

/// Reads. Root fields are nullable so that a fault in one leaves the others intact.
#[derive(MergedObject, Default)]
pub struct Query(
    ViewerQuery,
    nodes::NodeQuery,
    server::ServerQuery,
    approval::queries::ApprovalQuery,
    audit::queries::AuditQuery,
    system_configuration::SystemConfigurationQuery,
    job::queries::JobQuery,
    miner::queries::MinerQuery,
    miner::queries::MinersQuery,
    circle::queries::CircleQuery,
    circle::queries::CirclesQuery,
    referral::queries::ReferralQuery,
    wallet::queries::WalletQuery,
    wallet::queries::TransfersQuery,
    conversion::queries::ConversionQuery,
    conversion::queries::ConversionsQuery,
    deposit::queries::DepositQuery,
    deposit::queries::DepositsQuery,
    hold::queries::HoldQuery,
    hold::queries::HoldsQuery,
    reconciliation::queries::ReconciliationQuery,
    settlement::queries::SettlementsQuery,
    settlement::queries::ClearingAccountsQuery,
    withdrawal::queries::WithdrawalQuery,
    withdrawal::queries::WithdrawalsQuery,
    promotions::campaign::queries::CampaignQuery,
    promotions::campaign::queries::CampaignsQuery,
    promotions::voucher::queries::VoucherQuery,
    promotions::voucher::queries::VouchersQuery,
    promotions::redemption::queries::RedemptionQuery,
    promotions::redemption::queries::RedemptionsQuery,
    promotions::statistics::StatisticsQuery,
);

/// Commands, one business command per field. Root fields are null only on error.
#[derive(MergedObject, Default)]
pub struct Mutation(
    approval::mutations::ApprovalMutation,
    mining_configuration::mutations::ConfigurationMutation,
    promotions::configuration::mutations::PromotionConfigurationMutation,
    wallets::configuration::mutations::WalletConfigurationMutation,
    system_configuration::SystemConfigurationMutation,
    miner::mutations::MinerMutation,
    session::mutations::SessionMutation,
    streak::mutations::StreakMutation,
    circle::mutations::CircleMutation,
    circle::mutations::CircleInvitationMutation,
    referral::mutations::ReferralMutation,
    conversion::mutations::ConversionMutation,
    deposit::mutations::DepositMutation,
    hold::mutations::HoldMutation,
    settlement::mutations::SettlementMutation,
    settlement::batch::SettlementBatchMutation,
    withdrawal::mutations::WithdrawalMutation,
    reconciliation::mutations::ReconciliationMutation,
    wallet::mutations::FreezeMutation,
    wallet::mutations::HouseMutation,
    promotions::campaign::mutations::CampaignMutation,
    promotions::voucher::mutations::VoucherMutation,
    promotions::redemption::mutations::RedemptionMutation,
);

/// Live updates. After a reconnect, query the current state: missed events are not sent again.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    miner::subscriptions::MinerSubscription,
    circle::subscriptions::CircleSubscription,
    wallet::subscriptions::WalletSubscription,
    promotions::subscriptions::PromotionSubscription,
);

/// The signed-in person and what is theirs.
#[derive(MergedObject)]
pub struct Viewer(
    ViewerAccount,
    miner::viewer::ViewerMining,
    wallet::viewer::ViewerWallets,
    withdrawal::viewer::ViewerWithdrawals,
    promotions::campaign::viewer::ViewerCampaigns,
    promotions::voucher::viewer::ViewerVouchers,
    promotions::redemption::viewer::ViewerRedemptions,
);

impl Viewer {
    fn of(ctx: &Context<'_>) -> Option<Self> {
        let person = ctx.principal().person()?;
        Some(Self(
            ViewerAccount::new(person),
            miner::viewer::ViewerMining(person.id),
            wallet::viewer::ViewerWallets(person.id),
            withdrawal::viewer::ViewerWithdrawals,
            promotions::campaign::viewer::ViewerCampaigns,
            promotions::voucher::viewer::ViewerVouchers(person.id),
            promotions::redemption::viewer::ViewerRedemptions(person.id),
        ))
    }
}

impl NodeType for Viewer {
    const KIND: &'static str = platform::users::VIEWER;
    type Key = UserId;

    async fn load(ctx: &Context<'_>, key: UserId) -> Result<Option<Self>> {
        let is_caller = ctx
            .principal()
            .person()
            .is_some_and(|person| person.id == key);
        Ok(if is_caller { Self::of(ctx) } else { None })
    }
}

#[derive(Default)]
struct ViewerQuery;

#[async_graphql::Object]
impl ViewerQuery {
    /// The signed-in person; null for anonymous callers and services.
    async fn viewer(&self, ctx: &Context<'_>) -> Option<Viewer> {
        Viewer::of(ctx)
    }
}

const NODES: &[&[RegisteredNode]] = &[
    &[RegisteredNode::new::<Viewer>()],
    platform::NODES,
    mining::NODES,
    promotions::NODES,
    wallets::NODES,
];
const USER_ERRORS: &[&[RegisteredUserError]] = &[
    platform::USER_ERRORS,
    mining::USER_ERRORS,
    promotions::USER_ERRORS,
    wallets::USER_ERRORS,
];
const PROPOSALS: &[&[RegisteredProposal]] = &[
    mining::PROPOSALS,
    promotions::campaign::proposals::PROPOSALS,
    wallets::PROPOSALS,
    system_configuration::PROPOSALS,
    settlement::proposals::PROPOSALS,
    wallet::proposals::PROPOSALS,
];
const REFERENCES: &[&[RegisteredReference]] = &[
    mining::REFERENCES,
    promotions::REFERENCES,
    wallets::REFERENCES,
];
const REQUIRES: &[&[(&str, Action)]] = &[
    platform::REQUIRES,
    mining::REQUIRES,
    promotions::REQUIRES,
    wallets::REQUIRES,
];

/// Registrations of contexts, by type.
fn registered() -> ContextServices {
    ContextServices::default()
        .with(Nodes(NODES))
        .with(UserErrors(USER_ERRORS))
        .with(platform::audit::Entities(&[
            mining::ENTITIES,
            promotions::ENTITIES,
            wallets::ENTITIES,
            platform::ENTITIES,
            &[system_configuration::ENTITY],
        ]))
        .with(approval::Proposals(PROPOSALS))
        .with(References(REFERENCES))
        .with(configuration::Sections(system_configuration::SECTIONS))
        .with(platform::users::Profiles(miner::profile::profile_of_user))
}

/// A schema with the index of its types. Clones share it.
#[derive(Clone)]
pub struct Schema(Arc<Assembled>);

struct Assembled {
    engine: AnySchema<Query, Mutation, Subscription>,
    types: TypeIndex,
    validator: Validator,
    sdl: String,
}

/// Builds the schema. It has no extensions: each would box every field.
#[must_use]
pub fn schema() -> Schema {
    let engine = Schema::build();
    let undescribed = export(&engine);
    // The engine's parser reads no descriptions of schemas.
    let sdl = undescribed.replace(
        "\nschema {",
        &format!("\n\"\"\"\n{DESCRIPTION}\n\"\"\"\nschema {{"),
    );
    Schema(Arc::new(Assembled {
        types: TypeIndex::of(&undescribed),
        validator: Validator::of(&sdl),
        engine,
        sdl,
    }))
}

/// The schema definition, as it is committed and served.
#[must_use]
pub fn sdl(schema: &Schema) -> String {
    schema.0.sdl.clone()
}

/// Description of the schema.
const DESCRIPTION: &str = "\
GraphQL API of the GoodGo platform: mining points, promotions, advertising billing and the ledger of wallets.
Send a bearer token in the `Authorization` header; anonymous callers may read what has no `@requires`. Objects
that the caller may not read are null. A refused command answers `userErrors`; anything a developer has to fix is
a top-level error with `extensions.code`. Points, money and rates are `Decimal` text, times are UTC. Enum values
and union members may be added; clients handle unknown ones.";

fn export(engine: &AnySchema<Query, Mutation, Subscription>) -> String {
    let options = SDLExportOptions::new()
        .sorted_fields()
        .sorted_enum_items()
        .include_specified_by()
        .use_space_ident();
    let sdl = engine.sdl_with_options(options);
    format!("{}\n", sdl.trim_end())
}

impl Schema {
    fn build() -> AnySchema<Query, Mutation, Subscription> {
        AnySchema::build(
            Query::default(),
            Mutation::default(),
            Subscription::default(),
        )
        .data(registered())
        .register_output_type::<Completed>()
        // Every document is validated before.
        .validation_mode(ValidationMode::Fast)
        // `limits` rejects deeper documents with a better message.
        .limit_recursive_depth(2 * usize::try_from(limits::NESTING).unwrap_or(usize::MAX))
        .finish()
    }
}

impl Engine for Schema {
    fn types(&self) -> &TypeIndex {
        &self.0.types
    }

    fn validate(&self, document: &str) -> Result<(), Vec<ServerError>> {
        self.0.validator.check(document)
    }

    fn execute(&self, request: Request) -> BoxFuture<'_, Response> {
        let Some(introspected) = self.0.validator.introspect(&request) else {
            return self.0.engine.execute(request).boxed();
        };
        match introspected.into_whole() {
            Ok(response) => std::future::ready(response).boxed(),
            Err(part) => {
                let executing = self.0.engine.execute(request);
                async move { part.replace_in(executing.await) }.boxed()
            }
        }
    }

    fn execute_stream(&self, request: Request) -> BoxStream<'static, Response> {
        let Some(introspected) = self.0.validator.introspect(&request) else {
            return self.0.engine.execute_stream(request).boxed();
        };
        match introspected.into_whole() {
            Ok(response) => futures_util::stream::iter([response]).boxed(),
            Err(part) => {
                let executing = self.0.engine.execute_stream(request);
                executing
                    .map(move |response| part.replace_in(response))
                    .boxed()
            }
        }
    }
}

/// Registers the members of interfaces and unions, then completes descriptions and directives. It is no type of the
/// schema: the engine has no other hook for its registry.
struct Completed;

impl OutputType for Completed {
    fn type_name() -> Cow<'static, str> {
        Query::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let nodes: Vec<_> = register(registry, NODES, |node| node.register);
        let errors: Vec<_> = register(registry, USER_ERRORS, |error| error.register);
        let proposals = register(registry, PROPOSALS, |proposal| proposal.register);
        let mut references = register(registry, REFERENCES, |reference| reference.register);
        ServiceReference::create_type_info(registry);
        references.push(ServiceReference::type_name().into_owned());
        let sections = system_configuration::SECTIONS;
        let sections = register(registry, sections, |section| section.register);
        platform::users::Scope::create_type_info(registry);
        add_members(registry, AnyNode::NAME, &nodes);
        add_members(registry, AnyUserError::NAME, &errors);
        add_members(registry, AnyProposal::NAME, &proposals);
        add_members(registry, AnyReference::NAME, &references);
        add_members(registry, AnyVersion::NAME, &sections);
        registry.add_implements(AnyVersion::NAME, AnyNode::NAME);
        describe::complete(registry, REQUIRES.iter().copied().flatten());
        Self::qualified_type_name()
    }

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(Value::Null)
    }
}

/// Registers types of all contexts, and returns their names.
fn register<T>(
    registry: &mut Registry,
    types: &[&[T]],
    register: impl Fn(&T) -> fn(&mut Registry) -> String,
) -> Vec<String> {
    let types = types.iter().copied().flatten();
    let names = types.map(|of| register(of)(registry).trim_end_matches('!').to_owned());
    names.collect()
}
