//! Types of the system configuration that know no section.

use async_graphql::Enum;
use db::platform::configuration::{self as rows, StoredVersion};

use super::{AnyVersion, Sections};
use crate::abstracts::Abstract;
use crate::paging::Total;
use crate::platform::loaders::{InForce, PlatformLoader};
use crate::prelude::*;

/// Sections of the configuration.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigurationSection {
    /// `mining`
    Mining,
    /// `referral`
    Referral,
    /// `streak`
    Streak,
}

impl ConfigurationSection {
    fn name(self) -> &'static str {
        match self {
            Self::Mining => "mining",
            Self::Referral => "referral",
            Self::Streak => "streak",
        }
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
        #[graphql(desc = "Section whose versions to list.")] section: ConfigurationSection,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Loaded<ConfigurationVersionConnection> {
        let args = PageArgs::new(first, last, after, before);
        Some(versions(ctx, section.name(), &args).await)
    }
}

async fn versions(
    ctx: &Context<'_>,
    section: &'static str,
    args: &PageArgs,
) -> Result<ConfigurationVersionConnection> {
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
