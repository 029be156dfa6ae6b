//! The cluster's life: made once, started or taken over, stopped.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use super::find::{self, Binaries};
use super::lock::Lock;
use super::postmaster::{self, Answer, Found, NAME, PORT, PULSE, Postmaster};
use super::users::{self, Account, DataDir};

/// How long a start is tried again while remains of a killed server are in its way.
const REMAINS: Duration = Duration::from_secs(10);

/// How long a running server may stay silent before it is replaced.
const SILENCE: Duration = Duration::from_secs(3);

/// How long a server may take until it answers; recovery after a crash counts.
const READY: Duration = Duration::from_secs(300);

/// The log starts anew beyond this size; one older part is kept.
const LOG_BYTES: u64 = 32 * 1024 * 1024;

/// What a development server changes. Durability isn't among it: `fsync` stays on.
const SETTINGS: [(&str, &str); 11] = [
    ("listen_addresses", ""),
    ("port", PORT),
    ("unix_socket_permissions", "0700"),
    ("logging_collector", "off"),
    ("log_destination", "stderr"),
    // The database is what tests look for deadlocks by.
    ("log_line_prefix", "%m [%p] %d "),
    ("log_timezone", "UTC"),
    ("timezone", "UTC"),
    ("max_wal_size", "2GB"),
    ("checkpoint_timeout", "15min"),
    ("jit", "off"),
];

/// How to run the cluster, as far as the configuration has a say.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// A folder with `postgres` and `initdb`; without it they are searched.
    pub postgres_bin: Option<PathBuf>,
    /// The value of `PATH`, where the search begins.
    pub path: Option<OsString>,
    /// More server settings, which win over the defaults.
    pub settings: Vec<(String, String)>,
}

/// A running private cluster. Holds the data folder's lock; stops the server when dropped, but
/// [`Cluster::stop`] does it without blocking and says when it fails.
#[derive(Debug)]
pub struct Cluster {
    url: String,
    // In this order: the server has to be gone before the folder is free.
    postmaster: Postmaster,
    lock: Lock,
}

impl Cluster {
    /// Locks the data folder, finds PostgreSQL, makes the cluster where it is new, starts it or
    /// takes over the one a killed program left running, waits until it answers, and creates the
    /// database.
    pub async fn start(dir: &DataDir, options: &Options) -> Result<Self> {
        dir.create()?;
        if dir.path() != dir.configured() {
            tracing::info!(
                configured = %dir.configured().display(),
                path = %dir.path().display(),
                "keeping the data elsewhere, because the user that runs PostgreSQL can't reach the configured folder"
            );
        }
        let lock = Lock::acquire(dir.path())?;
        let existing = clusters(dir.path());
        let majors: Vec<u32> = existing.iter().map(|(major, _)| *major).collect();
        let binaries = find::find(dir, options, &majors)?;
        let data = dir.path().join(format!("pg{}", binaries.major));
        for (major, other) in existing
            .iter()
            .filter(|(major, _)| *major != binaries.major)
        {
            tracing::warn!(
                path = %other.display(),
                "data of PostgreSQL {major} stays untouched: install that version to use it again"
            );
            if let Found::Running(server) = postmaster::look(other)? {
                Postmaster::adopt(server).stop().await?;
            }
        }
        let account = if readable(&data)? {
            users::adopt(&data, dir.account())?
        } else {
            initialize(&binaries, &data, dir.account()).await?;
            dir.account()
        };
        let postmaster = match take_over(&data).await? {
            Some(postmaster) => postmaster,
            None => launch(dir, &binaries, &data, account, options).await?,
        };
        create_database(postmaster.sockets()).await?;
        let url = postmaster::url(postmaster.sockets(), NAME);
        Ok(Self {
            url,
            postmaster,
            lock,
        })
    }

    /// Where to connect: a URL over the Unix socket, which `tokio_postgres::Config` and `psql` read.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Disconnects everybody, stops the server and waits for its end.
    pub async fn stop(self) -> Result<()> {
        let Self {
            postmaster, lock, ..
        } = self;
        postmaster.stop().await?;
        drop(lock);
        tracing::info!("PostgreSQL stopped");
        Ok(())
    }
}

/// The URL of this data folder's running cluster, for commands beside a running server, or a clear
/// error that it isn't running.
pub async fn running(dir: &DataDir) -> Result<String> {
    if std::fs::read_dir(dir.path()).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
    {
        bail!(
            "the data folder {} belongs to another user: run as that user",
            dir.path().display()
        );
    }
    for (_, data) in clusters(dir.path()) {
        let since = Instant::now();
        while let Found::Running(server) = postmaster::look(&data)? {
            if let Answer::Ready = server.answer().await {
                return Ok(server.url());
            }
            if since.elapsed() > SILENCE {
                break;
            }
            tokio::time::sleep(PULSE).await;
        }
    }
    bail!(
        "the server of {} isn't running: start it with script/server, or set DATABASE_URL",
        dir.path().display()
    )
}

/// The clusters in a data folder, newest major first.
pub(super) fn clusters(folder: &Path) -> Vec<(u32, PathBuf)> {
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry
                    .file_name()
                    .to_str()?
                    .strip_prefix("pg")?
                    .parse()
                    .ok()?,
                entry.path(),
            ))
        })
        .collect();
    found.sort();
    found.reverse();
    found
}

/// Whether the folder holds a cluster that this process may read.
fn readable(data: &Path) -> Result<bool> {
    match std::fs::metadata(data.join("PG_VERSION")) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => bail!(
            "the cluster {} belongs to another user (was the server run as root before?): run as that user, \
             or choose another folder with GOODGO_DATA_DIR",
            data.display()
        ),
        Err(_) if data.exists() => {
            bail!(
                "{} exists but holds no cluster: move it away",
                data.display()
            )
        }
        Err(_) => Ok(false),
    }
}

/// Makes the cluster under another name first: a kill in the middle leaves nothing half made.
async fn initialize(binaries: &Binaries, data: &Path, account: Option<Account>) -> Result<()> {
    tracing::info!(
        path = %data.display(),
        postgres = %binaries.folder.display(),
        "creating the database cluster, once, in {}",
        data.display()
    );
    let unfinished = data.with_extension("tmp");
    let problem = || format!("the cluster {} can't be created", data.display());
    match std::fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(problem);
        }
        _ => {}
    }
    users::create_private(&unfinished, account)?;
    let command = users::command_as(account, &binaries.initdb());
    let output = tokio::process::Command::from(command)
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
            "{}: initdb says: {}",
            problem(),
            if why.is_empty() { text.trim() } else { &why }
        );
    }
    std::fs::rename(&unfinished, data).with_context(problem)?;
    if let Some(folder) = data.parent() {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .with_context(problem)?;
    }
    Ok(())
}

/// Takes over the cluster's running server. One that stays silent, because its socket was lost for
/// example, is stopped, and then there is none.
async fn take_over(data: &Path) -> Result<Option<Postmaster>> {
    let since = Instant::now();
    loop {
        let server = match postmaster::look(data)? {
            Found::Nothing => return Ok(None),
            Found::Stale => {
                postmaster::forget(data)?;
                return Ok(None);
            }
            Found::Running(server) => server,
        };
        match server.answer().await {
            Answer::Ready => {
                tracing::info!(pid = server.pid, "taking over the running PostgreSQL");
                return Ok(Some(Postmaster::adopt(server)));
            }
            Answer::Busy if since.elapsed() < READY => {}
            Answer::Silence if since.elapsed() < SILENCE => {}
            _ => {
                tracing::warn!(
                    pid = server.pid,
                    "PostgreSQL runs but doesn't answer: starting it again"
                );
                Postmaster::adopt(server).stop().await?;
            }
        }
        tokio::time::sleep(PULSE).await;
    }
}

/// Starts the server and waits until it answers.
async fn launch(
    dir: &DataDir,
    binaries: &Binaries,
    data: &Path,
    account: Option<Account>,
    options: &Options,
) -> Result<Postmaster> {
    let since = Instant::now();
    let sockets = users::socket_folder(data, account)?;
    postmaster::forget_socket(&sockets)?;
    let log = dir.path().join("postgres.log");
    tracing::info!(path = %data.display(), major = binaries.major, "starting PostgreSQL");
    loop {
        let (mut output, begin) =
            open_log(&log).with_context(|| format!("{} can't be written", log.display()))?;
        let mut command = users::command_as(account, &binaries.postgres());
        command.arg("-D").arg(data).arg("-k").arg(&sockets);
        let own = options
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in SETTINGS.into_iter().chain(own) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let child = command
            .stdout(Stdio::from(output.try_clone()?))
            .stderr(Stdio::from(output.try_clone()?))
            .spawn()
            .with_context(|| format!("{} can't be started", binaries.postgres().display()))?;
        let mut postmaster = Postmaster::new(child, data, &sockets);
        while !postmaster.is_gone() {
            if let Answer::Ready = postmaster::knock(&sockets).await {
                return Ok(postmaster);
            }
            if since.elapsed() > READY {
                bail!(
                    "PostgreSQL doesn't answer after {} s: see {}",
                    READY.as_secs(),
                    log.display()
                );
            }
            tokio::time::sleep(PULSE).await;
        }
        let why = read_from(&mut output, begin).unwrap_or_default();
        // What a killed server left ends by itself: its last processes, or a zombie that holds its id.
        let remains = why.contains("lock file \"") || why.contains("still in use");
        if !remains || since.elapsed() > REMAINS {
            return Err(anyhow!(
                "PostgreSQL {} doesn't start: {}: see {}",
                binaries.major,
                fatal(&why),
                log.display()
            ));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Creates the database unless it exists.
async fn create_database(sockets: &Path) -> Result<()> {
    let problem = "the database can't be created";
    match tokio_postgres::connect(&postmaster::url(sockets, NAME), NoTls).await {
        Ok(_) => return Ok(()),
        Err(error) if error.code() == Some(&SqlState::INVALID_CATALOG_NAME) => {}
        Err(error) => return Err(error).context("the private PostgreSQL refuses the connection"),
    }
    let (client, connection) =
        tokio_postgres::connect(&postmaster::url(sockets, "postgres"), NoTls)
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

/// Opens the server's log for more, and says where the next line will begin.
fn open_log(path: &Path) -> std::io::Result<(File, u64)> {
    if std::fs::metadata(path).is_ok_and(|log| log.len() > LOG_BYTES) {
        std::fs::rename(path, path.with_extension("log.old"))?;
    }
    let log = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    let begin = log.metadata()?.len();
    Ok((log, begin))
}

/// What was written to the log since.
fn read_from(log: &mut File, begin: u64) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    log.seek(SeekFrom::Start(begin))?;
    log.take(64 * 1024).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The line of a log that says why, without its prefix.
fn fatal(log: &str) -> &str {
    ["FATAL: ", "PANIC: "]
        .iter()
        .find_map(|level| log.lines().find_map(|line| line.split_once(level)))
        .map_or_else(
            || log.lines().last().unwrap_or("it says nothing"),
            |(_, why)| why.trim(),
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A data folder of its own, gone at the end.
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
    async fn a_cluster_lives_through_kills_and_stops() {
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

        // A second one is refused and leaves the first alone.
        let refusal = Cluster::start(dir, &options).await.unwrap_err().to_string();
        assert!(
            refusal.contains("is in use by another goodgo (process "),
            "{refusal}"
        );

        // The program is killed: the lock is free, the server runs on, and is taken over.
        let Cluster {
            postmaster, lock, ..
        } = cluster;
        let pid = postmaster.pid;
        std::mem::forget(postmaster);
        drop(lock);
        let since = Instant::now();
        let cluster = Cluster::start(dir, &options).await.unwrap();
        assert_eq!(cluster.postmaster.pid, pid);
        assert!(
            since.elapsed() < Duration::from_secs(10),
            "{:?}",
            since.elapsed()
        );

        // Both are killed; here the server stays a zombie, for its parent is this very test.
        let Cluster {
            postmaster, lock, ..
        } = cluster;
        kill(pid);
        std::mem::forget(postmaster);
        drop(lock);
        let cluster = Cluster::start(dir, &options).await.unwrap();
        assert_ne!(cluster.postmaster.pid, pid);
        assert_eq!(
            sql(cluster.url(), "SELECT n FROM kept").await.as_deref(),
            Some("7")
        );

        let sockets = cluster.postmaster.sockets().to_path_buf();
        cluster.stop().await.unwrap();
        assert!(!sockets.exists());
        assert!(running(dir).await.is_err());

        // Dropped instead of stopped, it stops all the same.
        drop(Cluster::start(dir, &options).await.unwrap());
        assert!(running(dir).await.is_err());

        // A start that fails says why, at once, and leaves nothing behind.
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
    async fn strange_folders_are_named() {
        let folder = Folder::new("strange");
        let dir = &folder.0;
        dir.create().unwrap();
        let options = Options::default();
        let major = find::find(dir, &options, &[]).unwrap().major;
        let data = dir.path().join(format!("pg{major}"));
        std::fs::create_dir(&data).unwrap();
        let refusal = Cluster::start(dir, &options).await.unwrap_err().to_string();
        assert!(
            refusal.ends_with("exists but holds no cluster: move it away"),
            "{refusal}"
        );
    }

    #[test]
    fn the_newest_cluster_comes_first() {
        let folder = Folder::new("majors");
        for name in ["pg9", "pg17", "pg16.tmp", "postgres.log"] {
            std::fs::create_dir_all(folder.0.path().join(name)).unwrap();
        }
        let majors: Vec<u32> = clusters(folder.0.path())
            .into_iter()
            .map(|(major, _)| major)
            .collect();
        assert_eq!(majors, [17, 9]);
    }

    #[test]
    fn the_log_says_why() {
        assert_eq!(
            fatal("2026 [1]  LOG:  x\n2026 [1]  FATAL:  no room\n2026 [1]  LOG:  bye\n"),
            "no room"
        );
        assert_eq!(
            fatal("error while loading libraries\n"),
            "error while loading libraries"
        );
        assert_eq!(fatal(""), "it says nothing");
    }
}
