//! The proof at start: the connections are what the settings say, also behind a pooler.

use std::time::Duration;

use diesel::sql_types::{Integer, Text};
use diesel::{IntoSql, QueryableByName};
use diesel_async::RunQueryDsl;

use crate::listener::Notifications;
use crate::pool::{APP_ROLE, batch};
use crate::standby::observe as observe_server;
use crate::wire::{Endpoint, describe};
use crate::{Connection, DbError, Ids, Settings, Tls};

/// Number of connections that are tried at once.
const CONNECTIONS: usize = 4;
/// Number of transactions on each. A pooler by transaction gives them other servers each time.
const ROUNDS: usize = 3;
/// Time that a round trip may take; steps of several have a multiple.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Reason why the server can't work with its database, and what to change.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(String);

impl From<DbError> for Unfit {
    fn from(error: DbError) -> Self {
        Self(format!("the database can't be reached: {error}"))
    }
}

/// Proves that a connection that listens receives what another one notifies.
pub async fn notifications(listening: &str, notifying: &str, tls: &Tls) -> Result<(), Unfit> {
    let channel = format!("goodgo_proof_{}", std::process::id());
    let sent = u64::from_be_bytes(Ids::random().bytes()).to_string();
    let listen = Notifications::listen(listening, tls, &channel);
    let mut received = within(listen, "DIRECT_DATABASE_URL").await?;
    let notify = async {
        let mut conn = crate::connect_as_migrator(notifying, tls).await?;
        batch(&mut conn, &format!("NOTIFY {channel}, '{sent}'")).await
    };
    within(notify, "DATABASE_URL").await?;
    match tokio::time::timeout(TIMEOUT, received.next()).await {
        Ok(Some(payload)) if payload == sent => Ok(()),
        _ => Err(Unfit(
            "the connection that listens for events receives none: set DIRECT_DATABASE_URL to the same database without \
             a pooler that pools by transaction"
                .to_owned(),
        )),
    }
}

/// The result of a step that has to end in time.
async fn within<T>(step: impl Future<Output = Result<T, DbError>>, url: &str) -> Result<T, Unfit> {
    match tokio::time::timeout(TIMEOUT * 2, step).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(Unfit(format!("the server of {url} doesn't answer"))),
    }
}

/// Proves that transactions have the role, the timeouts and the prepared statements of their connection.
pub async fn transactions(settings: &Settings, tls: &Tls) -> Result<(), Unfit> {
    let observed = tokio::time::timeout(TIMEOUT * 4, observe(settings, tls)).await;
    let Ok(observed) = observed else {
        return Err(Unfit(format!(
            "the database doesn't run {CONNECTIONS} transactions at once: raise its limit of connections, or the \
             pooler's default_pool_size above GOODGO_POOL_SIZE"
        )));
    };
    judge(&observed?, settings)
}

/// Proves that the replica, if there is one, is a standby of the same database. One that can't be reached is checked
/// before its first use, by [`Db::check_replica`](crate::Db::check_replica).
pub async fn replica(settings: &Settings, tls: &Tls) -> Result<(), Unfit> {
    let Some(url) = &settings.read_url else {
        return Ok(());
    };
    let mut primary = crate::connect_as_migrator(&settings.url, tls).await?;
    let of = observe_server(&mut primary).await?.identity();
    let observed = tokio::time::timeout(TIMEOUT, async {
        let mut replica = crate::connect_as_migrator(url, tls).await?;
        observe_server(&mut replica).await
    });
    match observed.await {
        Ok(Ok(observed)) => observed
            .judge(&of)
            .map_err(|reason| Unfit(reason.to_owned())),
        Ok(Err(error)) => {
            tracing::warn!(%error, "The replica can't be reached: {error}");
            Ok(())
        }
        Err(_) => {
            tracing::warn!("The replica doesn't answer");
            Ok(())
        }
    }
}

/// Role and settings of one transaction.
#[derive(Clone, Debug, QueryableByName)]
struct Session {
    /// Process of the server that runs it.
    #[diesel(sql_type = Integer)]
    server: i32,
    #[diesel(sql_type = Text)]
    role: String,
    /// `name=value` of each setting, in order.
    #[diesel(sql_type = Text)]
    settings: String,
}

/// One transaction of a connection, and whether it has the statement that its connection prepared in its first one.
#[derive(Clone, Debug)]
struct Transaction {
    session: Session,
    has_statement: bool,
}

/// Runs transactions on several connections, all open at once. Returns a list for each connection.
async fn observe(settings: &Settings, tls: &Tls) -> Result<Vec<Vec<Transaction>>, DbError> {
    let unavailable = |error: tokio_postgres::Error| DbError::Unavailable(describe(&error));
    let endpoint = Endpoint::new(&settings.url, tls).map_err(unavailable)?;
    let mut connections: Vec<Connection> = Vec::new();
    for _ in 0..CONNECTIONS.min(settings.pool_size) {
        match endpoint.connect().await {
            Ok(mut conn) => {
                if let Some(setup) = settings.of_session() {
                    batch(&mut conn, &setup).await?;
                }
                connections.push(conn);
            }
            // The limit of connections is reached: the opened ones are proved.
            Err(_) if !connections.is_empty() => break,
            Err(error) => return Err(DbError::Unavailable(error.to_string())),
        }
    }
    let count = connections.len();
    let mut observed = vec![Vec::new(); count];
    for round in 0..ROUNDS {
        for index in (0..count).map(|index| (index + round) % count) {
            batch(&mut connections[index], "BEGIN").await?;
            observed[index].push(transaction(&mut connections[index], settings).await?);
        }
        for conn in &mut connections {
            batch(conn, "ROLLBACK").await?;
        }
    }
    Ok(observed)
}

async fn transaction(conn: &mut Connection, settings: &Settings) -> Result<Transaction, DbError> {
    let names = settings.of_role().map(|(name, _)| format!("'{name}'"));
    let session = diesel::sql_query(format!(
        "SELECT pg_backend_pid() AS server, current_user::text AS role,
                (SELECT string_agg(name || '=' || setting, ' ' ORDER BY name COLLATE \"C\")
                 FROM pg_settings WHERE name IN ({})) AS settings",
        names.join(", ")
    ))
    .get_result(conn)
    .await?;
    // Diesel prepares it once per connection.
    let prepared = diesel::select(1.into_sql::<Integer>());
    match prepared
        .get_result::<i32>(conn)
        .await
        .map_err(DbError::from)
    {
        Ok(_) => Ok(Transaction {
            session,
            has_statement: true,
        }),
        Err(DbError::Query(_)) => Ok(Transaction {
            session,
            has_statement: false,
        }),
        Err(error) => Err(error),
    }
}

/// Judges what was observed on each connection.
fn judge(observed: &[Vec<Transaction>], settings: &Settings) -> Result<(), Unfit> {
    let mut expected = settings
        .of_role()
        .map(|(name, value)| format!("{name}={value}"));
    expected.sort_unstable();
    let expected = expected.join(" ");
    let is_pooled = observed.iter().any(|transactions| {
        let mut servers = transactions
            .iter()
            .map(|transaction| transaction.session.server);
        let first = servers.next();
        servers.any(|server| Some(server) != first)
    });
    for transaction in observed.iter().flatten() {
        let Session {
            role,
            settings: values,
            ..
        } = &transaction.session;
        if !transaction.has_statement {
            return Err(Unfit(
                "DATABASE_URL leads through a pooler that loses prepared statements between transactions: pool by \
                 session, or use PgBouncer 1.21 or newer with max_prepared_statements"
                    .to_owned(),
            ));
        }
        if role == APP_ROLE && *values == expected {
            continue;
        }
        let remedy = if settings.user().as_deref() == Some(APP_ROLE) {
            format!(
                "run goodgo migrate as a role that may set them, or ALTER ROLE {APP_ROLE} IN DATABASE … SET each of them; a \
                 pooler's older connections have the older values (PgBouncer: RECONNECT)"
            )
        } else if is_pooled {
            format!(
                "the pooler doesn't keep what a session sets, so let DATABASE_URL's user be {APP_ROLE}"
            )
        } else {
            format!("let DATABASE_URL's user be {APP_ROLE}")
        };
        return Err(Unfit(format!(
            "transactions of DATABASE_URL run as {role} with {values} instead of {APP_ROLE} with {expected}: {remedy}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Transactions that run on these servers, per connection.
    fn judged(user: &str, servers: [[i32; 3]; 2], keeps: bool, loses: Option<i32>) -> String {
        let settings = Settings::new(format!("postgres://{user}@pooler/goodgo"));
        let mut expected = settings
            .of_role()
            .map(|(name, value)| format!("{name}={value}"));
        expected.sort_unstable();
        let observed = servers.map(|servers| {
            servers
                .map(|server| {
                    let is_set_up = keeps || server == servers[0];
                    Transaction {
                        session: Session {
                            server,
                            role: if is_set_up { APP_ROLE } else { "owner" }.to_owned(),
                            settings: if is_set_up {
                                expected.join(" ")
                            } else {
                                "lock_timeout=0".to_owned()
                            },
                        },
                        has_statement: loses != Some(server),
                    }
                })
                .to_vec()
        });
        judge(&observed, &settings).map_or_else(|unfit| unfit.to_string(), |()| String::new())
    }

    const SAME: [[i32; 3]; 2] = [[1, 1, 1], [2, 2, 2]];
    const MIXED: [[i32; 3]; 2] = [[1, 2, 1], [2, 1, 3]];

    #[test]
    fn accepts_connections_of_their_own() {
        assert_eq!(judged("owner", SAME, true, None), "");
    }

    #[test]
    fn accepts_a_pooler_that_knows_statements() {
        // PgBouncer 1.21 with max_prepared_statements, whose role has its settings.
        assert_eq!(judged(APP_ROLE, MIXED, true, None), "");
    }

    #[test]
    fn refuses_a_pooler_that_loses_statements() {
        // PgBouncer 1.18, and 1.21 without max_prepared_statements.
        let refusal = judged(APP_ROLE, MIXED, true, Some(3));
        assert!(refusal.contains("max_prepared_statements"), "{refusal}");
    }

    #[test]
    fn refuses_a_pooler_that_loses_the_role() {
        let refusal = judged("owner", MIXED, false, None);
        assert!(
            refusal.contains("run as owner with lock_timeout=0"),
            "{refusal}"
        );
        assert!(
            refusal.ends_with("let DATABASE_URL's user be goodgo_app"),
            "{refusal}"
        );
    }
}
