//! Migrates a database: the role, then the migrations, one migrator at a time.

use diesel::sql_types::Text;
use diesel_async::{AsyncMigrationHarness, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::pool::APP_ROLE;
use crate::{Connection, DbError, Tls};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../migrations");

/// Reasons why a database can't be migrated.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database can't be reached.
    #[error("the database can't be reached: {0}")]
    Unreachable(String),
    /// The role can't be created or granted.
    #[error(
        "the role {APP_ROLE} can't be set up: {reason}; have an administrator of the database run: \
         CREATE ROLE {APP_ROLE} NOLOGIN; GRANT {APP_ROLE} TO {user};"
    )]
    Role {
        /// Error of the database.
        reason: String,
        /// User who needs the role.
        user: String,
    },
    /// A migration failed.
    #[error("a migration failed: {0}")]
    Failed(String),
    /// Any other fault.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// Creates the role, runs the pending migrations, and creates the partitions of the coming days. Returns the number of
/// migrations.
///
/// `url` is the migrating role's; `app_user` names the role of the server's own URL when that is another one.
/// Must run on the multi-threaded runtime, outside of `select!` and `join!`.
pub async fn migrate(url: &str, tls: &Tls, app_user: Option<&str>) -> Result<usize, MigrateError> {
    let mut conn = crate::pool::connect_as_migrator(url, tls)
        .await
        .map_err(|error| MigrateError::Unreachable(error.to_string()))?;
    crate::pool::batch(&mut conn, "SELECT pg_advisory_lock(727274)").await?;
    set_up_role(&mut conn, app_user).await?;
    let mut harness = AsyncMigrationHarness::new(conn);
    let done = harness
        .run_pending_migrations(MIGRATIONS)
        .map_err(|error| MigrateError::Failed(error.to_string()))?
        .len();
    let mut conn = harness.into_inner();
    crate::clock::ensure_partitions(&mut conn).await?;
    crate::pool::batch(&mut conn, "SELECT pg_advisory_unlock(727274)").await?;
    if done > 0 {
        tracing::info!(migrations = done, "Ran {done} migrations");
    }
    Ok(done)
}

/// Number of pending migrations.
pub async fn pending(url: &str, tls: &Tls) -> Result<usize, MigrateError> {
    let conn = crate::pool::connect_as_migrator(url, tls)
        .await
        .map_err(|error| MigrateError::Unreachable(error.to_string()))?;
    AsyncMigrationHarness::new(conn)
        .pending_migrations(MIGRATIONS)
        .map(|pending| pending.len())
        .map_err(|error| MigrateError::Failed(error.to_string()))
}

/// Creates the role and grants it. Tolerates other migrators of the cluster that do the same.
async fn set_up_role(conn: &mut Connection, app_user: Option<&str>) -> Result<(), MigrateError> {
    let user: String = diesel::dsl::sql::<Text>("SELECT current_user::text")
        .get_result(conn)
        .await
        .map_err(DbError::from)?;
    let app_user = app_user.unwrap_or(&user);
    let set_up = format!(
        "DO $$
        DECLARE member text;
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
                BEGIN
                    CREATE ROLE {APP_ROLE} NOLOGIN;
                EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
                END;
            END IF;
            FOREACH member IN ARRAY ARRAY[current_user::text, {app_user}] LOOP
                -- From PostgreSQL 16 on whoever made a role is its member, but may not become it.
                IF NOT pg_has_role(member, '{APP_ROLE}',
                        CASE WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER' END) THEN
                    EXECUTE format('GRANT {APP_ROLE} TO %I', member);
                END IF;
            END LOOP;
        END $$",
        app_user = quoted(app_user),
    );
    let mut tries = 1;
    loop {
        match crate::pool::batch(conn, &set_up).await {
            Ok(()) => return Ok(()),
            // Roles belong to the whole cluster: a migrator of another database may grant the same role concurrently.
            Err(error) if tries < 10 && error.to_string().contains("concurrently") => tries += 1,
            Err(error) => {
                return Err(MigrateError::Role {
                    reason: error.to_string(),
                    user: app_user.to_owned(),
                });
            }
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
