//! Migrates a database: the role, then the migrations, one migrator at a time.

use std::time::Duration;

use diesel::migration::{MigrationSource, MigrationVersion};
use diesel::pg::Pg;
use diesel::sql_types::Text;
use diesel_async::{AsyncMigrationHarness, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::pool::APP_ROLE;
use crate::{Connection, DbError, Settings, Tls};

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
         CREATE ROLE {APP_ROLE} LOGIN; GRANT {APP_ROLE} TO {user};"
    )]
    Role {
        /// Error of the database.
        reason: String,
        /// User who needs the role.
        user: String,
    },
    /// Another migrator holds the lock.
    #[error("another process has been migrating the database for {} s: start again when it has ended", .0.as_secs_f32())]
    Locked(Duration),
    /// The database has a migration that this program does not have.
    #[error("the database was made by another version of goodgo: this one has no migration {0}")]
    OtherVersion(String),
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
/// `url` is the migrating role's; `server` are the server's own settings, by default with the same URL.
/// Must run on the multi-threaded runtime, outside of `select!` and `join!`.
pub async fn migrate(
    url: &str,
    tls: &Tls,
    server: Option<&Settings>,
) -> Result<usize, MigrateError> {
    let settings = server.map_or_else(|| Settings::new(url), Settings::clone);
    let lock = lock(url, tls, settings.migration_wait).await?;
    let mut conn = connect(url, tls).await?;
    set_up_role(&mut conn, &settings).await?;
    let mut harness = AsyncMigrationHarness::new(conn);
    refuse_other_versions(&mut harness)?;
    let done = harness.run_pending_migrations(MIGRATIONS).map_err(failed)?;
    let done = done.len();
    let mut conn = harness.into_inner();
    crate::clock::ensure_partitions(&mut conn).await?;
    drop(lock);
    if done > 0 {
        tracing::info!(migrations = done, "Ran {done} migrations");
    }
    Ok(done)
}

/// Number of pending migrations.
pub async fn pending(url: &str, tls: &Tls) -> Result<usize, MigrateError> {
    let mut harness = AsyncMigrationHarness::new(connect(url, tls).await?);
    refuse_other_versions(&mut harness)?;
    let pending = harness.pending_migrations(MIGRATIONS).map_err(failed)?;
    Ok(pending.len())
}

async fn connect(url: &str, tls: &Tls) -> Result<Connection, MigrateError> {
    crate::pool::connect_as_migrator(url, tls)
        .await
        .map_err(|error| MigrateError::Unreachable(error.to_string()))
}

#[expect(clippy::needless_pass_by_value, reason = "used with map_err")]
fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> MigrateError {
    MigrateError::Failed(error.to_string())
}

/// Waits for the lock of migrators. A transaction of its own holds it, which works through a pooler, too. Closing the
/// connection releases it.
async fn lock(url: &str, tls: &Tls, wait: Duration) -> Result<Connection, MigrateError> {
    let mut conn = connect(url, tls).await?;
    let take = format!(
        "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; \
         SET LOCAL lock_timeout = {}; SELECT pg_advisory_xact_lock(727274)",
        wait.as_millis()
    );
    match crate::pool::batch(&mut conn, &take).await {
        Ok(()) => Ok(conn),
        Err(DbError::Timeout(_)) => Err(MigrateError::Locked(wait)),
        Err(error) => Err(error.into()),
    }
}

fn refuse_other_versions(
    harness: &mut AsyncMigrationHarness<Connection>,
) -> Result<(), MigrateError> {
    let known = MigrationSource::<Pg>::migrations(&MIGRATIONS).map_err(failed)?;
    let known: Vec<MigrationVersion> = known
        .iter()
        .map(|migration| migration.name().version().as_owned())
        .collect();
    let applied = harness.applied_migrations().map_err(failed)?;
    match applied.into_iter().find(|version| !known.contains(version)) {
        Some(version) => Err(MigrateError::OtherVersion(version.to_string())),
        None => Ok(()),
    }
}

/// Creates the role with its timeouts and grants it. Tolerates other migrators of the cluster that do the same.
///
/// The timeouts belong to the role and this database. They count for sessions of the role itself; a migrator that may
/// not set them leaves it to the proof at start to name what is missing.
async fn set_up_role(conn: &mut Connection, settings: &Settings) -> Result<(), MigrateError> {
    let user: String = diesel::dsl::sql::<Text>("SELECT current_user::text")
        .get_result(conn)
        .await
        .map_err(DbError::from)?;
    let app_user = settings.user().unwrap_or(user);
    let values: Vec<String> = settings
        .of_role()
        .iter()
        .map(|(name, value)| format!("['{name}', '{value}']"))
        .collect();
    let set_up = format!(
        "DO $$
        DECLARE
            member text;
            setting text[];
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
                BEGIN
                    CREATE ROLE {APP_ROLE} LOGIN;
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
            BEGIN
                IF NOT (SELECT rolcanlogin FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
                    ALTER ROLE {APP_ROLE} LOGIN;
                END IF;
                FOREACH setting SLICE 1 IN ARRAY ARRAY[{values}] LOOP
                    IF NOT EXISTS (SELECT FROM pg_db_role_setting
                            WHERE setrole = '{APP_ROLE}'::regrole
                              AND setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
                              AND setting[1] || '=' || setting[2] = ANY (setconfig)) THEN
                        EXECUTE format('ALTER ROLE {APP_ROLE} IN DATABASE %I SET %I = %L',
                            current_database(), setting[1], setting[2]);
                    END IF;
                END LOOP;
            EXCEPTION WHEN insufficient_privilege THEN NULL;
            END;
        END $$",
        app_user = quoted(&app_user),
        values = values.join(", "),
    );
    let mut tries = 1;
    loop {
        match crate::pool::batch(conn, &set_up).await {
            Ok(()) => return Ok(()),
            // Roles belong to the whole cluster: a migrator of another database may change the same role concurrently
            // (XX000, "tuple concurrently updated").
            Err(DbError::Unavailable(_)) if tries < 10 => tries += 1,
            Err(error) => {
                return Err(MigrateError::Role {
                    reason: error.to_string(),
                    user: app_user,
                });
            }
        }
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
