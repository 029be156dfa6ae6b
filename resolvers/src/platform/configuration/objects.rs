//! Types of the system configuration that know no section.

use async_graphql::Enum;
use db::platform::configuration::{self as rows, ProposedSection, StoredVersion, Updated};

use super::{AnyVersion, Sections};
use crate::abstracts::Abstract;
use crate::inputs::Parsed;
use crate::node::KeyPart;
use crate::paging::Total;
use crate::platform::approval::objects::Approval;
use crate::platform::loaders::{InForce, PlatformLoader};
use crate::platform::users::User;
use crate::prelude::*;
use crate::scalars::Json;

/// Sections of the configuration.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigurationSection {
    /// `mining`
    Mining,
    /// `promotion`
    Promotion,
    /// `referral`
    Referral,
    /// `streak`
    Streak,
    /// `wallet`
    Wallet,
}

impl ConfigurationSection {
    fn name(self) -> &'static str {
        match self {
            Self::Mining => "mining",
            Self::Promotion => "promotion",
            Self::Referral => "referral",
            Self::Streak => "streak",
            Self::Wallet => "wallet",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        let all = [
            Self::Mining,
            Self::Promotion,
            Self::Referral,
            Self::Streak,
            Self::Wallet,
        ];
        all.into_iter().find(|section| section.name() == name)
    }
}

/// Version of any section.
pub type ConfigurationVersion = Abstract<AnyVersion>;

connection!(
    ConfigurationVersionConnection, ConfigurationVersionEdge, ConfigurationVersion,
    "versions of a configuration section", by i64
);

/// Versions of all sections.
#[derive(Default)]
pub struct ConfigurationVersions;

#[Object]
impl ConfigurationVersions {
    /// All versions of a section, newest first.
    async fn versions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Section whose versions to list.")] section: Parsed<ConfigurationSection>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<ConfigurationVersionConnection> {
        let args = PageArgs::new(first, last, after, before);
        Some(versions(ctx, section, &args).await)
    }
}

async fn versions(
    ctx: &Context<'_>,
    section: Parsed<ConfigurationSection>,
    args: &PageArgs,
) -> Result<ConfigurationVersionConnection> {
    let section = section.get()?.name();
    let page = args.page::<i64>(section)?;
    let slice = ctx
        .db()
        .read_replicated(async move |conn| rows::history(conn, section, &page).await)
        .await?;
    let sections: &Sections = ctx.registered();
    let slice = slice.try_map(|stored: StoredVersion| {
        let number = i64::from(stored.number);
        let version = Abstract::new(sections.show(stored)?);
        Ok::<_, ApiError>((number, version))
    })?;
    // Versions are numbered without gaps.
    let total = Total::loaded(move |ctx| {
        async move {
            let loader = ctx.loader::<PlatformLoader>();
            let in_force = loader.load_one(InForce(section)).await?;
            let count = in_force.map_or(0, |stored| stored.number.into());
            Ok(db::Count::Exact(count))
        }
        .boxed()
    });
    Ok(ConfigurationVersionConnection::new(section, slice, total))
}

/// The body of a command that replaces one section, which its input has in the field `configuration`.
macro_rules! replace {
    ($update:ty) => {
        |call| {
            Box::pin(async move {
                let change = call.input.configuration.change("configuration")?;
                let reason = &call.input.reason;
                db::platform::configuration::update::<$update>(
                    call.tx,
                    call.request,
                    &[change],
                    reason,
                )
                .await
            })
        }
    };
}
pub(crate) use replace;

/// Number of a version of a section.
#[derive(Clone, Copy, Debug)]
pub struct VersionKey(pub i32);

impl From<i32> for VersionKey {
    fn from(number: i32) -> Self {
        Self(number)
    }
}

impl NodeKey for VersionKey {
    fn part(&self) -> KeyPart {
        KeyPart::Text(self.0.to_string())
    }

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

/// Declares sections: the types of their versions, which have some fields in common.
macro_rules! sections {
    ($($(#[$doc:meta])* $type:ident($section:literal, $of:ident: $rules:ty) {
        $($(#[$field_doc:meta])+ $field:ident: $field_type:ty = $value:expr,)+
    })+) => {
        /// Types of the sections' versions.
        pub(crate) const SECTIONS: &[$crate::platform::configuration::RegisteredSection] =
            &[$($crate::platform::configuration::RegisteredSection::new::<$type>($section)),+];

        $($crate::object::object! {
            $(#[$doc])*
            $type($of: db::platform::configuration::Version<$rules>) {
                /// Global id, opaque and stable.
                id: $crate::node::GlobalId = $crate::node::GlobalId::of::<Self>(&$of.number.into()),
                $($(#[$field_doc])+ $field: $field_type = $value,)+
                /// Reason for the change, 1 to 500 characters.
                reason: String = $of.reason,
                /// Time the version came into force.
                updated_at: $crate::scalars::DateTime = $of.updated_at.into(),
                /// Person who made the change; null for the version the platform started with.
                updated_by: $crate::node::Edge<$crate::platform::users::User> =
                    $crate::platform::configuration::objects::author(&$of.updated_by),
                /// Number of the version, from 1 without gaps; the highest is in force.
                version: i32 = $of.number,
            }
        }

        impl TryFrom<db::platform::configuration::StoredVersion> for $type {
            type Error = db::DbError;

            fn try_from(stored: db::platform::configuration::StoredVersion) -> Result<Self, db::DbError> {
                Ok(Self::of(stored.read::<$rules>()?))
            }
        }

        $crate::node::node!($type: $crate::platform::configuration::objects::VersionKey, |ctx, key| {
            let loaded = $crate::platform::configuration::objects::version(ctx, $section, key.0).await?;
            Ok(loaded.map(Self::try_from).transpose()?)
        });)+
    };
}
pub(crate) use sections;

/// The person who made a change; none for the start of the platform, which no person made.
pub(crate) fn author(updated_by: &str) -> Edge<User> {
    Edge(Uuid::try_parse(updated_by).ok().map(UserId))
}

/// A version of a section, for callers who may see it.
pub(crate) async fn version(
    ctx: &Context<'_>,
    section: &str,
    number: i32,
) -> Result<Option<StoredVersion>> {
    if !ctx.may(Action::ConfigurationRead, false) {
        return Ok(None);
    }
    let key = (section.to_owned(), number);
    Ok(ctx.loader::<PlatformLoader>().load_one(key).await?)
}

/// The version of a section that is in force.
pub(crate) async fn stored_in_force(
    ctx: &Context<'_>,
    section: &'static str,
) -> Result<StoredVersion> {
    let stored = ctx
        .loader::<PlatformLoader>()
        .load_one(InForce(section))
        .await?;
    let missing = || DbError::Unavailable("the section is missing".to_owned());
    Ok(stored.ok_or_else(missing)?)
}

/// The version of a section that is in force, as the type of the section.
pub(crate) async fn in_force<T: TryFrom<StoredVersion, Error = DbError>>(
    ctx: &Context<'_>,
    section: &'static str,
) -> Result<T> {
    Ok(T::try_from(stored_in_force(ctx, section).await?)?)
}

/// The version that a command on one section stored; none while the command waits.
pub(crate) async fn stored<T: NodeType<Key: From<i32>>>(
    ctx: &Context<'_>,
    updated: &Updated,
) -> Loaded<T> {
    let number = updated.versions.values().next()?;
    load(ctx, (*number).into()).await
}

/// The approval that a command waits for.
pub(crate) async fn awaited(ctx: &Context<'_>, updated: &Updated) -> Loaded<Approval> {
    load_some(ctx, updated.approval_id.map(ApprovalId)).await
}

/// Stored form of the proposals of all commands on sections.
#[derive(serde::Deserialize)]
pub(crate) struct StoredProposal {
    sections: Vec<ProposedSection>,
}

object! {
    /// Proposed change of the configuration that loosens a limit on money.
    ConfigurationUpdateProposal(proposal: StoredProposal) {
        /// New sections.
        sections: ReadyList<ConfigurationSectionProposal> =
            ReadyList(proposal.sections.into_iter().map(ConfigurationSectionProposal::of).collect()),
    }
}

impl From<StoredProposal> for ConfigurationUpdateProposal {
    fn from(proposal: StoredProposal) -> Self {
        Self::of(proposal)
    }
}

object! {
    /// Proposed section of the configuration.
    #[graphql(complex)]
    ConfigurationSectionProposal(proposed: ProposedSection) {
        /// The section as it would be, under the names of this API.
        configuration: Json = Json(proposed.configuration),
    }
    with {
        name: String = proposed.section,
        version: i32 = proposed.replaces,
    }
}

#[ComplexObject]
impl ConfigurationSectionProposal {
    /// Version that would be replaced.
    async fn replaces(&self, ctx: &Context<'_>) -> Loaded<ConfigurationVersion> {
        let stored = version(ctx, &self.name, self.version).await.transpose()?;
        let sections: &Sections = ctx.registered();
        Some(stored.and_then(|stored| Ok(Abstract::new(sections.show(stored)?))))
    }

    /// Section to replace.
    #[expect(clippy::unused_async, reason = "the engine takes async functions only")]
    async fn section(&self) -> Result<ConfigurationSection> {
        ConfigurationSection::of_name(&self.name).ok_or_else(|| {
            tracing::error!(section = self.name, "Unknown section {}", self.name);
            ApiError::new(Code::InternalServerError, "an unknown section")
        })
    }
}
