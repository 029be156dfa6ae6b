//! The server and its clock.

use async_graphql::{Enum, SimpleObject};

use crate::prelude::*;

/// Environments of a server.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerEnvironment {
    /// Development: demo data and a clock that can be advanced.
    Development,
    /// Production: real data and time.
    Production,
}

/// The server and its clock.
#[derive(SimpleObject)]
pub struct ServerInfo {
    /// Environment the server runs in.
    pub environment: ServerEnvironment,
    /// Time of the platform's clock.
    pub now: DateTime,
    /// Version of the server.
    pub version: String,
}

/// The server.
#[derive(Default)]
pub struct ServerQuery;

#[Object]
impl ServerQuery {
    /// The server and its clock.
    async fn server_info(&self, ctx: &Context<'_>) -> Loaded<ServerInfo> {
        Some(server_info(ctx).await)
    }
}

async fn server_info(ctx: &Context<'_>) -> Result<ServerInfo> {
    ctx.check_staff(Action::ServerInfoRead)?;
    let now = ctx
        .db()
        .read(async |conn| db::clock::now(conn).await)
        .await?;
    let about = &ctx.operation().services.about;
    Ok(ServerInfo {
        environment: if about.environment == "production" {
            ServerEnvironment::Production
        } else {
            ServerEnvironment::Development
        },
        now: now.into(),
        version: about.version.to_owned(),
    })
}
