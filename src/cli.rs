//! The commands of the program.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use chrono::TimeDelta;
use clap::{Args, Parser, Subcommand};
use db::wallets::reconciliation::checker::{self, Scope};
use db::wallets::reconciliation::commands;
use db::{Db, Ids, Tls};
use devdb::{Cluster, DataDir, Options, running};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use crate::app::{App, Database};
use crate::auth::MAX_LIFETIME;
use crate::auth::demo::DemoTokens;
use crate::config::{Config, Environment};
use crate::logging;
use crate::secrets::DevSecrets;

/// Mining, promotions, billing and wallets of the GoodGo platform behind one GraphQL schema.
///
/// Without DATABASE_URL it runs a private PostgreSQL in GOODGO_DATA_DIR. docs/OPERATIONS.md explains all settings.
#[derive(Parser)]
#[command(version, about, long_about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve (the default): migrate the database and serve on PORT until SIGINT or SIGTERM.
    Serve,
    /// Migrate the database.
    Migrate,
    /// Print the GraphQL schema; with --tables, db/src/schema.rs.
    Schema {
        /// Print the tables of the migrations instead, from a temporary database.
        #[arg(long)]
        tables: bool,
    },
    /// Insert demo data: a town if there are no users, else new users behind the demo names. Development only.
    Seed,
    /// Print a bearer token of a demo person, such as bob, or of service. Development only.
    Token(TokenArgs),
    /// Show or move the system's clock. Development only.
    Clock {
        #[command(subcommand)]
        command: Option<ClockCommand>,
    },
    /// Check the ledger in one snapshot. Exits with code 1 if it is wrong.
    Verify(VerifyArgs),
}

#[derive(Args)]
struct VerifyArgs {
    /// Check one owner and the transactions that moved something of theirs.
    #[arg(long, value_name = "UUID", conflicts_with = "shard")]
    owner: Option<Uuid>,
    /// Check the owners and transactions of one part, such as 2/8.
    #[arg(long, value_name = "PART/PARTS", value_parser = shard)]
    shard: Option<Scope>,
}

#[derive(Args)]
struct TokenArgs {
    /// Name: alice, bob, carol, support, finance, controller, admin, supervisor, merchant, advertiser, or service.
    #[arg(long = "as", value_name = "NAME")]
    name: String,
    /// Lifetime: 30m, 24h, 7d; at most 3653d.
    #[arg(long, default_value = "24h", value_parser = lifetime)]
    expires_in: TimeDelta,
}

#[derive(Subcommand)]
enum ClockCommand {
    /// Move the clock forward for all instances: 90s, 30m, 24h, 7d.
    Advance {
        /// Time to add.
        #[arg(value_parser = span)]
        by: TimeDelta,
    },
}

/// Largest number of connections that wait to be accepted. The kernel may allow fewer.
const BACKLOG: u32 = 4_096;

/// Parses the command line and runs the command.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let command = cli.command.unwrap_or(Command::Serve);
    let config = match command {
        Command::Serve => Config::for_serving_from_env(),
        _ => Config::from_env(),
    };
    let config = match config {
        Ok(config) => config,
        Err(problems) => return report(&problems),
    };
    let result = logging::start(&config.log).and_then(|()| {
        tokio::runtime::Runtime::new()
            .context("the runtime can't be started")?
            .block_on(execute(command, config))
    });
    match result {
        Ok(code) => code,
        Err(error) => report(&[format!("{error:#}")]),
    }
}

/// Prints problems, one line each.
fn report(lines: &[String]) -> ExitCode {
    for line in lines {
        eprintln!("goodgo: {line}");
    }
    ExitCode::FAILURE
}

async fn execute(command: Command, config: Config) -> anyhow::Result<ExitCode> {
    let success = ExitCode::SUCCESS;
    match command {
        Command::Serve => serve(config).await.map(|()| success),
        Command::Migrate => migrate(&config).await.map(|()| success),
        Command::Schema { tables: false } => {
            print!("{}", resolvers::sdl(&resolvers::schema()));
            Ok(success)
        }
        Command::Schema { tables: true } => print_tables(&config).await.map(|()| success),
        Command::Seed => seed(&config).await.map(|()| success),
        Command::Token(args) => token(&config, &args).await.map(|()| success),
        Command::Clock { command } => clock(&config, command).await.map(|()| success),
        Command::Verify(args) => verify(&config, &args).await,
    }
}

/// Waits for SIGINT or SIGTERM.
///
/// The handlers are installed by the call, not by the first poll, so that a signal during the start is not lost.
fn shutdown_signal() -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let stop = shutdown_signal()?;
    let tcp = bind(&config).await?;
    let cluster = if config.database.url.is_none() {
        let folder = DataDir::resolve(&config.database.data_dir)?;
        Some(Cluster::start(&folder, &cluster_options(&config)).await?)
    } else {
        None
    };
    let Some(mut cluster) = cluster else {
        return serve_on(config, tcp, None, stop).await;
    };
    let url = cluster.url().to_owned();
    let serving = tokio::spawn(serve_on(config, tcp, Some(url), stop));
    let served = cluster.keep_during(serving).await;
    cluster.stop().await?;
    served?
}

async fn serve_on(
    config: Config,
    tcp: TcpListener,
    private: Option<String>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let tls = Tls::from_machine();
    let database =
        Database::of(&config, private.as_deref()).context("no database is configured")?;
    database.prove_direct(&tls).await?;
    database.migrate(&config, &tls).await?;
    database.prove(&config, &tls).await?;
    let db = database.connect(&config, tls, Ids::random()).await?;
    let is_development = config.environment == Environment::Development;
    let (mut secrets, mut jwks) = (None, None);
    if is_development {
        let folder = DataDir::resolve(&config.database.data_dir)?;
        folder.create()?;
        jwks = Some(DevSecrets::jwks_path(folder.path()));
        secrets = Some(DevSecrets::ensure(folder.path())?);
        let is_new = db::demo::seed_if_empty(&db).await?;
        if private.is_some() && !is_new {
            db::demo::seed_people(&db).await?;
        }
    }
    let address = tcp.local_addr()?;
    let has_graphiql = config.http.graphiql;
    let app = App::build(config, db, secrets.as_ref(), jwks)?;
    if is_development {
        welcome(address, has_graphiql);
    }
    app.serve(tcp, stop).await
}

/// Prints addresses and commands for development.
fn welcome(address: SocketAddr, has_graphiql: bool) {
    let graphiql = if has_graphiql {
        format!("\n    GraphiQL       http://{address}/graphiql    (sign in as bob)")
    } else {
        String::new()
    };
    println!(
        "
  GoodGo, in development: demo data, generated secrets, an open schema.

    GraphQL        http://{address}/graphql{graphiql}
    start page     http://{address}/
    schema         http://{address}/schema.graphql
    health         http://{address}/health

    token          script/token bob      (alice, carol, support, finance, controller, admin, supervisor, merchant, advertiser, service)
    next day       target/debug/goodgo clock advance 24h
"
    );
}

/// Binds the port before anything is started, so that an occupied one is reported first.
async fn bind(config: &Config) -> anyhow::Result<TcpListener> {
    let (host, port) = (&config.http.host, config.http.port);
    listen(host, port).await.with_context(|| {
        format!("port {port} of {host} can't be bound: stop the process that uses it, or set another one with PORT=8081")
    })
}

/// Listens on the first address of a host that can be bound.
async fn listen(host: &str, port: u16) -> io::Result<TcpListener> {
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in tokio::net::lookup_host((host, port)).await? {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        // A restarted server can use the port again at once.
        socket.set_reuseaddr(true)?;
        match socket.bind(address).and_then(|()| socket.listen(BACKLOG)) {
            Ok(listener) => return Ok(listener),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn cluster_options(config: &Config) -> Options {
    Options {
        postgres_bin: config.database.postgres_bin.clone(),
        path: config.database.path.clone(),
        ..Options::default()
    }
}

/// The database of a command that runs beside the server: the configured one, or the running private one.
async fn database(config: &Config) -> anyhow::Result<Database> {
    let private = match config.database.url {
        Some(_) => None,
        None => Some(running(&DataDir::resolve(&config.database.data_dir)?).await?),
    };
    Database::of(config, private.as_deref()).context("no database is configured")
}

async fn connect(config: &Config) -> anyhow::Result<Db> {
    let tls = Tls::from_machine();
    let database = database(config).await?;
    let pending = database.pending(&tls).await?;
    ensure!(
        pending == 0,
        "the database lacks {pending} migrations: run goodgo migrate"
    );
    database.connect(config, tls, Ids::random()).await
}

async fn migrate(config: &Config) -> anyhow::Result<()> {
    let tls = Tls::from_machine();
    if config.database.url.is_some() {
        return database(config).await?.migrate(config, &tls).await;
    }
    let folder = DataDir::resolve(&config.database.data_dir)?;
    let cluster = Cluster::start(&folder, &cluster_options(config)).await?;
    let database =
        Database::of(config, Some(cluster.url())).context("no database is configured")?;
    let migrated = database.migrate(config, &tls).await;
    cluster.stop().await?;
    migrated
}

/// Prints the tables from a temporary cluster.
async fn print_tables(config: &Config) -> anyhow::Result<()> {
    let path = std::env::temp_dir().join(format!("goodgo-tables-{}", std::process::id()));
    let folder = DataDir::resolve(&path)?;
    let cluster = Cluster::start(&folder, &cluster_options(config)).await?;
    let printed = async {
        let tls = Tls::from_machine();
        db::migrate::migrate(cluster.url(), &tls, None).await?;
        let mut conn = db::connect_as_migrator(cluster.url(), &tls).await?;
        Ok::<_, anyhow::Error>(db::tables::print(&mut conn).await?)
    }
    .await;
    cluster.stop().await?;
    let made: PathBuf = folder.path().to_owned();
    std::fs::remove_dir_all(&made)
        .with_context(|| format!("{} can't be removed", made.display()))?;
    print!("{}", printed?);
    Ok(())
}

async fn seed(config: &Config) -> anyhow::Result<()> {
    only_in_development(config, "seed")?;
    let db = connect(config).await?;
    if db::demo::seed_if_empty(&db).await? {
        println!("inserted a town of miners and the demo people");
    } else {
        db::demo::seed_people(&db).await?;
        println!("inserted new demo people; existing data was kept");
    }
    Ok(())
}

async fn token(config: &Config, args: &TokenArgs) -> anyhow::Result<()> {
    only_in_development(config, "token")?;
    let folder = DataDir::resolve(&config.database.data_dir)?;
    let secrets = DevSecrets::read(folder.path())?.context(
        "there are no development secrets yet: start the server once with script/server",
    )?;
    let tokens = DemoTokens::new(config, &secrets)?;
    if args.name == "service" {
        println!("{}", tokens.service(args.expires_in)?);
        return Ok(());
    }
    let tls = Tls::from_machine();
    let db = database(config)
        .await?
        .connect(config, tls, Ids::random())
        .await?;
    let people = db
        .read(async |conn| db::platform::users::demo_people(conn).await)
        .await?;
    let Some((name, user_id)) = people.iter().find(|(name, _)| *name == args.name) else {
        let names: Vec<&str> = people.iter().map(|(name, _)| name.as_str()).collect();
        bail!(
            "there is no demo person {}: use one of {}, service",
            args.name,
            names.join(", ")
        );
    };
    println!("{}", tokens.person(name, *user_id, args.expires_in)?);
    Ok(())
}

async fn clock(config: &Config, command: Option<ClockCommand>) -> anyhow::Result<()> {
    only_in_development(config, "clock")?;
    let database = database(config).await?;
    let tls = Tls::from_machine();
    let now = match command {
        Some(ClockCommand::Advance { by }) => {
            let now = db::clock::advance(&database.migration_url, &tls, by).await?;
            // Counts issuance as of the new time at once; otherwise commands would wait for the job's next run.
            let db = connect(config).await?;
            let count =
                async |tx: &mut db::Tx| db::wallets::wallet::commands::issuance_count(tx).await;
            db.write("wallets.issuance_count", count).await?;
            now
        }
        None => db::clock::now(&mut db::connect_as_migrator(&database.url, &tls).await?).await?,
    };
    println!("{}", now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    Ok(())
}

async fn verify(config: &Config, args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let db = connect(config).await?;
    let scope = args.owner.map(Scope::Owner).or(args.shard);
    let started_at = db.read(async |conn| db::clock::now(conn).await).await?;
    let report = checker::check(&db, scope.unwrap_or(Scope::All)).await?;
    if scope.is_none() {
        commands::store(&db, report.clone(), started_at).await?;
    }
    if report.mismatches.is_empty() {
        println!(
            "the ledger is right: {} transfers, {} wallets",
            report.transfers, report.wallets
        );
        return Ok(ExitCode::SUCCESS);
    }
    for mismatch in &report.mismatches {
        println!("{}: {}", mismatch.rule, mismatch.detail);
    }
    Ok(ExitCode::FAILURE)
}

fn only_in_development(config: &Config, command: &str) -> anyhow::Result<()> {
    ensure!(
        config.environment == Environment::Development,
        "goodgo {command} is for development only"
    );
    Ok(())
}

/// Parses `2/8`.
fn shard(text: &str) -> Result<Scope, String> {
    let numbers = text.split_once('/').and_then(|(part, of)| {
        let (part, of) = (part.parse().ok()?, of.parse().ok()?);
        (1..=of)
            .contains(&part)
            .then_some(Scope::Shard { part, of })
    });
    numbers.ok_or_else(|| "write a part and the number of parts, such as 2/8".to_owned())
}

/// Parses `90s`, `30m`, `24h` or `7d`.
fn span(text: &str) -> Result<TimeDelta, String> {
    let last = text.char_indices().next_back().map_or(0, |(at, _)| at);
    let (number, unit) = text.split_at(last);
    let number: i64 = number
        .parse()
        .map_err(|_| "write a number and a unit, such as 24h".to_owned())?;
    let span = match unit {
        "s" => TimeDelta::try_seconds(number),
        "m" => TimeDelta::try_minutes(number),
        "h" => TimeDelta::try_hours(number),
        "d" => TimeDelta::try_days(number),
        _ => return Err("the unit is s, m, h or d, as in 24h".to_owned()),
    };
    span.filter(|span| *span > TimeDelta::zero() && *span <= TimeDelta::days(36_525))
        .ok_or_else(|| "the time must be positive and at most 36525d".to_owned())
}

/// Parses the lifetime of a token, of those that the server accepts.
fn lifetime(text: &str) -> Result<TimeDelta, String> {
    let lifetime = span(text)?;
    if lifetime > MAX_LIFETIME {
        let most = MAX_LIFETIME.num_days();
        return Err(format!("the server accepts tokens for at most {most}d"));
    }
    Ok(lifetime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_valid() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn parses_shards() {
        assert_eq!(shard("2/8"), Ok(Scope::Shard { part: 2, of: 8 }));
        for bad in ["", "2", "0/8", "9/8", "-1/8", "1/0", "a/b", "1/2/3"] {
            assert!(shard(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn parses_spans() {
        assert_eq!(span("24h"), Ok(TimeDelta::hours(24)));
        assert_eq!(span("7d"), Ok(TimeDelta::days(7)));
        for bad in ["", "h", "24", "-1h", "0s", "99999999d", "1é"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn refuses_lifetimes_that_the_server_refuses() {
        assert_eq!(lifetime("3653d"), Ok(TimeDelta::days(3_653)));
        let most = "the server accepts tokens for at most 3653d".to_owned();
        for late in ["3654d", "87673h", "36525d"] {
            assert_eq!(lifetime(late), Err(most.clone()), "{late}");
        }
        assert!(lifetime("soon").is_err());
    }
}
