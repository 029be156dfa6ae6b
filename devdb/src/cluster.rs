//! The life of a cluster: created once, started or adopted, stopped.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::pin::Pin;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use crate::account::{Account, account_of, command_as, create_private};
use crate::binaries::{self, Binaries};
use crate::data_dir::{DataDir, clusters, socket_folder};
use crate::lock::Lock;
use crate::options::Options;
use crate::server::{self, Answer, Control, Found, NAME, OwnedServer, PORT};

/// Time for which a start is retried while the remains of a killed server block it.
const REMAINS_TIMEOUT: Duration = Duration::from_secs(10);

/// Time without an answer after which a running server is replaced.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(3);

/// Longest time in which an adopted server starts, recovers or stops.
const BUSY_TIMEOUT: Duration = Duration::from_secs(300);

/// Interval at which a running cluster is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A server that ended this often within [`RESTARTS_WITHIN`] is not started again.
const MAX_RESTARTS: usize = 5;

/// See [`MAX_RESTARTS`].
const RESTARTS_WITHIN: Duration = Duration::from_secs(300);

/// Interval between two connection attempts.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The log is rotated beyond this size; one older file is kept.
const MAX_LOG_BYTES: u64 = 32 * 1024 * 1024;

/// Settings of a development server. `fsync` stays on.
const SETTINGS: [(&str, &str); 11] = [
    ("listen_addresses", ""),
    ("port", PORT),
    ("unix_socket_permissions", "0700"),
    ("logging_collector", "off"),
    ("log_destination", "stderr"),
    // Tests look for the deadlocks of their database (%d).
    ("log_line_prefix", "%m [%p] %d "),
    ("log_timezone", "UTC"),
    ("timezone", "UTC"),
    ("max_wal_size", "2GB"),
    ("checkpoint_timeout", "15min"),
    ("jit", "off"),
];

/// A running private cluster. It holds the lock of the data folder. Dropping it stops the server; [`Cluster::stop`] does
/// so without blocking and reports a failure.
#[derive(Debug)]
pub struct Cluster {
    url: String,
    dir: DataDir,
    binaries: Binaries,
    options: Options,
    // Dropped in this order: the server must have ended before the lock is released.
    server: OwnedServer,
    lock: Lock,
}

impl Cluster {
    /// Locks the data folder, finds PostgreSQL, creates the cluster if it is new, starts it or adopts the server that a
    /// killed process left running, waits until it answers, and creates the database.
    #[must_use]
    pub fn start<'a>(
        dir: &'a DataDir,
        options: &'a Options,
    ) -> Pin<Box<dyn Future<Output = Result<Self>> + Send + 'a>> {
        Box::pin(Self::start_unboxed(dir, options))
    }

    async fn start_unboxed(dir: &DataDir, options: &Options) -> Result<Self> {
        dir.create()?;
        if dir.path() != dir.configured() {
            tracing::info!(
                configured = %dir.configured().display(),
                path = %dir.path().display(),
                "The user that runs PostgreSQL can't reach the configured data folder: using {}",
                dir.path().display()
            );
        }
        let lock = Lock::acquire(dir.path())?;
        let existing = clusters(dir.path());
        let majors: Vec<u32> = existing.iter().map(|(major, _)| *major).collect();
        let binaries = binaries::find(dir, options, &majors)?;
        for (major, other) in existing
            .iter()
            .filter(|(major, _)| *major != binaries.major)
        {
            tracing::warn!(
                path = %other.display(),
                "The data of PostgreSQL {major} is not used: install that version to use it again"
            );
            if let Found::Running(server) = server::look(other)? {
                let account = account_of(other, dir.account())?;
                OwnedServer::adopt(server, control(&binaries, other, account))
                    .stop()
                    .await?;
            }
        }
        let cluster = dir.path().join(format!("pg{}", binaries.major));
        let account = if is_cluster(&cluster)? {
            account_of(&cluster, dir.account())?
        } else {
            initialize(&binaries, &cluster, dir.account()).await?;
            dir.account()
        };
        let control = control(&binaries, &cluster, account);
        let server = match adopt(&control).await? {
            Some(server) => server,
            None => launch(dir, &binaries, &control, options).await?,
        };
        create_database(&server.sockets).await?;
        Ok(Self {
            url: server::url(&server.sockets, NAME),
            dir: dir.clone(),
            binaries,
            options: options.clone(),
            server,
            lock,
        })
    }

    /// The URL of the database over the Unix socket, in the form that `tokio_postgres::Config` and `psql` parse.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits for the end of some work. Meanwhile a server that was killed is started again.
    ///
    /// The work should be a task of its own, because it is not polled during a start.
    pub async fn keep_during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        let mut restarts: Vec<Instant> = Vec::new();
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            restarts.retain(|at| at.elapsed() < RESTARTS_WITHIN);
            if restarts.len() >= MAX_RESTARTS || self.server.is_running().unwrap_or(true) {
                continue;
            }
            restarts.push(Instant::now());
            let (number, pid) = (restarts.len(), self.server.pid);
            tracing::warn!(
                pid,
                "PostgreSQL has ended: starting it again ({number} of {MAX_RESTARTS})"
            );
            if let Err(error) = self.restart().await {
                tracing::error!("PostgreSQL can't be started again: {error:#}");
            }
        }
    }

    async fn restart(&mut self) -> Result<()> {
        let control = self.server.control.clone();
        let server = match adopt(&control).await? {
            Some(server) => server,
            None => launch(&self.dir, &self.binaries, &control, &self.options).await?,
        };
        // There is nothing left of it to stop.
        std::mem::forget(std::mem::replace(&mut self.server, server));
        Ok(())
    }

    /// Disconnects all clients, stops the server and waits for its end.
    pub async fn stop(self) -> Result<()> {
        let Self { server, lock, .. } = self;
        server.stop().await?;
        drop(lock);
        tracing::info!("PostgreSQL stopped");
        Ok(())
    }
}

/// The URL of this data folder's running cluster, for commands that run beside the server. Fails if it isn't running.
pub async fn running(dir: &DataDir) -> Result<String> {
    if std::fs::read_dir(dir.path()).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
    {
        bail!(
            "the data folder {} belongs to another user: run as that user",
            dir.path().display()
        );
    }
    for (_, cluster) in clusters(dir.path()) {
        let since = Instant::now();
        while let Found::Running(server) = server::look(&cluster)? {
            if let Answer::Ready = server.answer().await {
                return Ok(server.url());
            }
            if since.elapsed() > SILENCE_TIMEOUT {
                break;
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
    bail!(
        "the server of {} isn't running: start it with script/server, or set DATABASE_URL",
        dir.path().display()
    )
}

/// A command of the installed PostgreSQL, or of a program given by its path, run by the data folder's account.
pub fn command(dir: &DataDir, options: &Options, program: &str) -> Result<std::process::Command> {
    let binaries = binaries::find(dir, options, &[])?;
    Ok(command_as(dir.account(), &binaries.folder.join(program)))
}

fn control(binaries: &Binaries, cluster: &Path, account: Option<Account>) -> Control {
    Control {
        program: binaries.folder.join("pg_ctl"),
        cluster: cluster.to_path_buf(),
        account,
    }
}

/// Whether the folder holds a cluster. Fails if this process can't read it.
fn is_cluster(folder: &Path) -> Result<bool> {
    match std::fs::metadata(folder.join("PG_VERSION")) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => bail!(
            "the cluster {} belongs to another user (was the server run as root before?): run as that user, \
             or choose another folder with GOODGO_DATA_DIR",
            folder.display()
        ),
        Err(_) if folder.exists() => {
            bail!(
                "{} exists but holds no cluster: move it away",
                folder.display()
            )
        }
        Err(_) => Ok(false),
    }
}

/// Creates the cluster under a temporary name and renames it, so that a kill leaves no incomplete cluster.
async fn initialize(binaries: &Binaries, cluster: &Path, account: Option<Account>) -> Result<()> {
    tracing::info!(
        path = %cluster.display(),
        postgres = %binaries.folder.display(),
        "Creating the database cluster {}",
        cluster.display()
    );
    let unfinished = cluster.with_extension("tmp");
    let problem = || format!("the cluster {} can't be created", cluster.display());
    match std::fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(problem);
        }
        _ => {}
    }
    create_private(&unfinished, account)?;
    let output =
        tokio::process::Command::from(command_as(account, &binaries.folder.join("initdb")))
            .args(["-U", NAME, "-A", "trust", "-E", "UTF8", "--no-locale", "-D"])
            .arg(&unfinished)
            .kill_on_drop(true)
            .output()
            .await
            .with_context(problem)?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let why = text
            .lines()
            .filter(|line| line.contains("error") || line.contains("FATAL"))
            .collect::<Vec<_>>()
            .join("; ");
        let _ = std::fs::remove_dir_all(&unfinished);
        bail!(
            "{}: initdb reports: {}",
            problem(),
            if why.is_empty() { text.trim() } else { &why }
        );
    }
    std::fs::rename(&unfinished, cluster).with_context(problem)?;
    if let Some(folder) = cluster.parent() {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .with_context(problem)?;
    }
    Ok(())
}

/// Adopts the cluster's running server. Stops one that doesn't answer, because its socket was removed for example, and
/// returns `None` then.
async fn adopt(control: &Control) -> Result<Option<OwnedServer>> {
    let since = Instant::now();
    loop {
        let server = match server::look(&control.cluster)? {
            Found::Nothing => return Ok(None),
            Found::Stale => {
                // If a server runs nevertheless, PostgreSQL detects its shared memory and refuses to start another one.
                server::remove_stale(&control.cluster.join("postmaster.pid"))?;
                return Ok(None);
            }
            Found::Running(server) => server,
        };
        match server.answer().await {
            Answer::Ready => {
                tracing::info!(pid = server.pid, "Adopting the running PostgreSQL");
                return Ok(Some(OwnedServer::adopt(server, control.clone())));
            }
            Answer::Busy if since.elapsed() < BUSY_TIMEOUT => {}
            Answer::Silence if since.elapsed() < SILENCE_TIMEOUT => {}
            _ => {
                tracing::warn!(
                    pid = server.pid,
                    "PostgreSQL runs but doesn't answer: restarting it"
                );
                OwnedServer::adopt(server, control.clone()).stop().await?;
            }
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Starts the server and waits until it answers.
async fn launch(
    dir: &DataDir,
    binaries: &Binaries,
    control: &Control,
    options: &Options,
) -> Result<OwnedServer> {
    let since = Instant::now();
    let sockets = socket_folder(&control.cluster, control.account)?;
    server::remove_stale_socket(&sockets)?;
    let path = dir.path().join("postgres.log");
    tracing::info!(path = %control.cluster.display(), major = binaries.major, "Starting PostgreSQL");
    loop {
        let (mut log, end) =
            open_log(&path).with_context(|| format!("{} can't be written", path.display()))?;
        let own = options
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let settings = SETTINGS.into_iter().chain(own);
        let is_ready = control.start(&sockets, settings, log.try_clone()?).await?;
        if let Found::Running(server) = server::look(&control.cluster)? {
            let server = OwnedServer::adopt(server, control.clone());
            if is_ready {
                return Ok(server);
            }
            server.stop().await?;
            bail!(
                "PostgreSQL doesn't answer after {} s: see {}",
                server::START_SECONDS,
                path.display()
            );
        }
        let output = read_from(&mut log, end).unwrap_or_default();
        // The remains of a killed server disappear by themselves: its last processes, or a zombie that holds its id.
        let is_blocked = output.contains("lock file \"") || output.contains("still in use");
        if !is_blocked || since.elapsed() > REMAINS_TIMEOUT {
            return Err(anyhow!(
                "PostgreSQL {} doesn't start: {}: see {}",
                binaries.major,
                cause(&output),
                path.display()
            ));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Creates the database unless it exists.
async fn create_database(sockets: &Path) -> Result<()> {
    let problem = "the database can't be created";
    match tokio_postgres::connect(&server::url(sockets, NAME), NoTls).await {
        Ok(_) => return Ok(()),
        Err(error) if error.code() == Some(&SqlState::INVALID_CATALOG_NAME) => {}
        Err(error) => return Err(error).context("the private PostgreSQL refuses the connection"),
    }
    let (client, connection) = tokio_postgres::connect(&server::url(sockets, "postgres"), NoTls)
        .await
        .context(problem)?;
    let connection = tokio::spawn(connection);
    client
        .batch_execute(&format!("CREATE DATABASE {NAME}"))
        .await
        .context(problem)?;
    drop(client);
    let _ = connection.await;
    Ok(())
}

/// Opens the server's log for appending, and returns its length.
fn open_log(path: &Path) -> std::io::Result<(File, u64)> {
    if std::fs::metadata(path).is_ok_and(|log| log.len() > MAX_LOG_BYTES) {
        std::fs::rename(path, path.with_extension("log.old"))?;
    }
    let log = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    let end = log.metadata()?.len();
    Ok((log, end))
}

/// Reads the log from a position.
fn read_from(log: &mut File, begin: u64) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    log.seek(SeekFrom::Start(begin))?;
    log.take(64 * 1024).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The line of a log that names the cause of a failure, without its prefix.
fn cause(log: &str) -> &str {
    ["FATAL: ", "PANIC: "]
        .iter()
        .find_map(|level| log.lines().find_map(|line| line.split_once(level)))
        .map_or_else(
            || log.lines().last().unwrap_or("the log is empty"),
            |(_, cause)| cause.trim(),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A data folder that is removed at the end.
    struct Folder(DataDir);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("goodgo-cluster-{name}-{}", std::process::id()));
            let dir = DataDir::resolve(&path).unwrap();
            assert_eq!(dir.path(), path.canonicalize().unwrap_or(path));
            Self(dir)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(self.0.path());
        }
    }

    fn kill(pid: u32) {
        let status = std::process::Command::new("/bin/sh")
            .args(["-c", "kill -KILL $0", &pid.to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    async fn sql(url: &str, statement: &str) -> Option<String> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        tokio::spawn(connection);
        let rows = client.simple_query(statement).await.unwrap();
        rows.iter().find_map(|row| match row {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
    }

    #[tokio::test]
    async fn survives_kills_and_stops() {
        let folder = Folder::new("life");
        let dir = &folder.0;
        let options = Options::default();
        let absent = running(dir).await.unwrap_err().to_string();
        assert!(
            absent.contains("isn't running: start it with script/server"),
            "{absent}"
        );

        let cluster = Cluster::start(dir, &options).await.unwrap();
        assert_eq!(running(dir).await.unwrap(), cluster.url());
        assert_eq!(
            sql(cluster.url(), "SHOW fsync").await.as_deref(),
            Some("on")
        );
        assert_eq!(
            sql(cluster.url(), "SHOW listen_addresses").await.as_deref(),
            Some("")
        );
        assert_eq!(
            sql(cluster.url(), "SELECT current_user || current_database()")
                .await
                .as_deref(),
            Some("goodgogoodgo")
        );
        sql(cluster.url(), "CREATE TABLE kept AS SELECT 7 AS n").await;

        // A second one is refused and does not disturb the first.
        let refusal = Cluster::start(dir, &options).await.unwrap_err().to_string();
        assert!(
            refusal.contains("is in use by another goodgo (process "),
            "{refusal}"
        );

        // The process is killed: the lock is free, the server runs on, and is adopted.
        let Cluster { server, lock, .. } = cluster;
        let pid = server.pid;
        std::mem::forget(server);
        drop(lock);
        let since = Instant::now();
        let cluster = Cluster::start(dir, &options).await.unwrap();
        assert_eq!(cluster.server.pid, pid);
        assert!(
            since.elapsed() < Duration::from_secs(10),
            "{:?}",
            since.elapsed()
        );

        // Both are killed. If no process reaps it, the server stays a zombie.
        let Cluster { server, lock, .. } = cluster;
        kill(pid);
        std::mem::forget(server);
        drop(lock);
        let cluster = Cluster::start(dir, &options).await.unwrap();
        assert_ne!(cluster.server.pid, pid);
        assert_eq!(
            sql(cluster.url(), "SELECT n FROM kept").await.as_deref(),
            Some("7")
        );

        let sockets = cluster.server.sockets.clone();
        cluster.stop().await.unwrap();
        assert!(!sockets.exists());
        assert!(running(dir).await.is_err());

        // Dropping it stops it, too.
        drop(Cluster::start(dir, &options).await.unwrap());
        assert!(running(dir).await.is_err());

        // A failed start reports the cause and leaves no server running.
        let settings = vec![("max_connections".to_owned(), "many".to_owned())];
        let failure = Cluster::start(
            dir,
            &Options {
                settings,
                ..options
            },
        )
        .await
        .unwrap_err()
        .to_string();
        assert!(failure.contains("max_connections"), "{failure}");
        assert!(running(dir).await.is_err());
    }

    #[tokio::test]
    async fn refuses_a_folder_without_a_cluster() {
        let folder = Folder::new("strange");
        let dir = &folder.0;
        dir.create().unwrap();
        let options = Options::default();
        let major = binaries::find(dir, &options, &[]).unwrap().major;
        let data = dir.path().join(format!("pg{major}"));
        std::fs::create_dir(&data).unwrap();
        let refusal = Cluster::start(dir, &options).await.unwrap_err().to_string();
        assert!(
            refusal.ends_with("exists but holds no cluster: move it away"),
            "{refusal}"
        );
    }

    #[test]
    fn finds_the_cause_in_a_log() {
        assert_eq!(
            cause("2026 [1]  LOG:  x\n2026 [1]  FATAL:  no room\n2026 [1]  LOG:  bye\n"),
            "no room"
        );
        assert_eq!(
            cause("error while loading libraries\n"),
            "error while loading libraries"
        );
        assert_eq!(cause(""), "the log is empty");
    }
}
