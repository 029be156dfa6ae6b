//! One PostgreSQL server: detects it, starts and stops it with `pg_ctl`, and provides its URL.

use std::fmt::Write as _;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use crate::account::{Account, command_as};

/// Name of the superuser and of the database.
pub(crate) const NAME: &str = "goodgo";

/// Part of the socket's name. No TCP port is opened.
pub(crate) const PORT: &str = "5432";

/// Seconds until a start fails. Recovery after a crash counts.
pub(crate) const START_SECONDS: &str = "300";

/// Shutdown modes and their timeouts in seconds: a fast shutdown, then an immediate one, which loses no committed data
/// but makes the next start replay the log.
const SHUTDOWNS: [(&str, &str); 2] = [("fast", "30"), ("immediate", "10")];

/// Timeout of a connection attempt.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs `pg_ctl` for one cluster.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    pub program: PathBuf,
    pub cluster: PathBuf,
    pub account: Option<Account>,
}

/// A server that this process owns. Dropping it stops the server.
#[derive(Debug)]
pub(crate) struct OwnedServer {
    pub pid: u32,
    pub sockets: PathBuf,
    pub control: Control,
}

/// The server of a cluster according to its `postmaster.pid`.
#[derive(Debug)]
pub(crate) enum Found {
    /// There is no such file.
    Nothing,
    /// The file names a process that is not this cluster's server: left by a crash, or copied with the folder.
    Stale,
    /// The server runs.
    Running(Server),
}

/// A running server, whoever owns it.
#[derive(Debug)]
pub(crate) struct Server {
    pub pid: u32,
    /// The folder of its socket. Unknown for a moment after the start.
    sockets: Option<PathBuf>,
}

/// Result of a connection attempt.
#[derive(Debug)]
pub(crate) enum Answer {
    /// The server accepts connections.
    Ready,
    /// The server starts, recovers or stops.
    Busy,
    /// No server answers.
    Silence,
}

impl Control {
    /// Starts the server with these options and settings, and waits until it accepts connections. Its output goes to
    /// `log`. Returns whether it started.
    pub async fn start(
        &self,
        sockets: &Path,
        settings: impl Iterator<Item = (&str, &str)>,
        log: File,
    ) -> Result<bool> {
        // pg_ctl doesn't escape a folder given with its own -D, and `is_running` looks for the folder among the
        // server's arguments: so the server gets a quoted one.
        let mut options = format!("-D {} -k {}", quote(&self.cluster), quote(sockets));
        for (name, value) in settings {
            let setting = format!("{name}={value}");
            let _ = write!(options, " -c {}", quote(Path::new(&setting)));
        }
        let mut command = self.command(["start", "-t", START_SECONDS]);
        command.arg("-o").arg(options).stdout(log);
        let status = tokio::process::Command::from(command)
            .status()
            .await
            .with_context(|| format!("{} can't be run", self.program.display()))?;
        Ok(status.success())
    }

    fn command<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = command_as(self.account, &self.program);
        command
            .args(arguments)
            .args(["-s", "-w"])
            .env("PGDATA", &self.cluster)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }
}

impl OwnedServer {
    /// Takes ownership of a running server.
    pub fn adopt(server: Server, control: Control) -> Self {
        Self {
            pid: server.pid,
            sockets: server.sockets.unwrap_or_default(),
            control,
        }
    }

    /// Stops the server: disconnects all clients, writes a checkpoint, and waits for its end.
    pub async fn stop(self) -> Result<()> {
        tokio::task::spawn_blocking(move || self.stop_blocking())
            .await
            .context("stopping PostgreSQL failed")?
    }

    fn stop_blocking(&self) -> Result<()> {
        for (mode, seconds) in SHUTDOWNS {
            if !self.is_running()? {
                break;
            }
            // The next look shows whether it worked.
            let _ = self
                .control
                .command(["stop", "-m", mode, "-t", seconds])
                .status();
        }
        if self.is_running()? {
            bail!(
                "PostgreSQL (process {0}) doesn't stop: stop it with `kill -QUIT {0}`",
                self.pid
            );
        }
        // Empty after an orderly shutdown. The next start creates it again.
        let _ = std::fs::remove_dir(&self.sockets);
        Ok(())
    }

    /// Whether this server still runs. A pid file of another server doesn't count.
    pub fn is_running(&self) -> Result<bool> {
        let found = look(&self.control.cluster)?;
        Ok(matches!(found, Found::Running(server) if server.pid == self.pid))
    }
}

impl Drop for OwnedServer {
    fn drop(&mut self) {
        if let Err(error) = self.stop_blocking() {
            tracing::warn!("{error:#}");
        }
    }
}

impl Server {
    /// Tries to connect. Returns `Silence` if another server uses the socket meanwhile.
    pub async fn answer(&self) -> Answer {
        let Some(sockets) = &self.sockets else {
            return Answer::Busy;
        };
        let lock = std::fs::read_to_string(socket_lock(sockets)).unwrap_or_default();
        match PidFile::parse(&lock) {
            Some(holder) if holder.pid == self.pid => connect(sockets).await,
            _ => Answer::Silence,
        }
    }

    /// The URL of its database.
    pub fn url(&self) -> String {
        url(self.sockets.as_deref().unwrap_or(Path::new("")), NAME)
    }
}

/// Looks for the server of a cluster.
pub(crate) fn look(cluster: &Path) -> Result<Found> {
    let path = cluster.join("postmaster.pid");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => bail!(
            "the cluster {} belongs to another user: run as that user, or choose another folder with GOODGO_DATA_DIR",
            cluster.display()
        ),
        Err(error) => {
            return Err(error).with_context(|| format!("{} can't be read", path.display()));
        }
    };
    let Some(PidFile { pid, data, sockets }) = PidFile::parse(&text) else {
        return Ok(Found::Stale);
    };
    // A copied folder contains the pid file of the original's server, which must be left alone. A folder that was moved
    // while its server ran contains its own, under the old name.
    let is_own = Path::new(data).canonicalize().map_or(true, |data| {
        cluster.canonicalize().is_ok_and(|own| own == data)
    });
    if !is_own || !is_running(pid, data) {
        return Ok(Found::Stale);
    }
    Ok(Found::Running(Server {
        pid,
        sockets: sockets.map(PathBuf::from),
    }))
}

/// Removes a stale socket. PostgreSQL considers its lock file valid while the old server is a zombie, for seconds in
/// some containers.
pub(crate) fn remove_stale_socket(sockets: &Path) -> Result<()> {
    let lock = socket_lock(sockets);
    let text = std::fs::read_to_string(&lock).unwrap_or_default();
    if PidFile::parse(&text).is_some_and(|holder| is_running(holder.pid, holder.data)) {
        // PostgreSQL reports this better.
        return Ok(());
    }
    remove_stale(&lock.with_extension(""))?;
    remove_stale(&lock)
}

/// Removes a file that a crash left.
pub(crate) fn remove_stale(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} is stale and can't be removed", path.display()))
        }
        _ => Ok(()),
    }
}

/// PostgreSQL's lock file of the socket, which has the socket's name and `.lock`.
fn socket_lock(sockets: &Path) -> PathBuf {
    sockets.join(format!(".s.PGSQL.{PORT}.lock"))
}

/// Bytes that are percent-encoded in the host of a URL.
const IN_HOST: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// The URL of a database behind a socket.
pub(crate) fn url(sockets: &Path, database: &str) -> String {
    let host = percent_encode(sockets.as_os_str().as_encoded_bytes(), IN_HOST);
    format!("postgres://{NAME}@{host}:{PORT}/{database}")
}

async fn connect(sockets: &Path) -> Answer {
    let url = url(sockets, "postgres");
    match tokio::time::timeout(CONNECT_TIMEOUT, tokio_postgres::connect(&url, NoTls)).await {
        Ok(Ok(_)) => Answer::Ready,
        Ok(Err(error)) => match error.code() {
            Some(code) if *code == SqlState::CANNOT_CONNECT_NOW => Answer::Busy,
            // Any other error comes from a running server: too many connections, for example.
            Some(_) => Answer::Ready,
            None => Answer::Silence,
        },
        Err(_) => Answer::Silence,
    }
}

/// Whether a process is the server of that data folder. Its command line decides, because process ids are reused, after
/// a reboot even by the same user. A zombie has no command line.
fn is_running(pid: u32, data: &str) -> bool {
    if Path::new("/proc/self/cmdline").exists() {
        return std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
            line.split(|byte| *byte == 0)
                .any(|argument| argument == data.as_bytes())
        });
    }
    Command::new("ps")
        .args(["-o", "command=", "-p", &pid.to_string()])
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(data))
}

/// One word of a shell command.
fn quote(word: &Path) -> String {
    format!("'{}'", word.display().to_string().replace('\'', r"'\''"))
}

/// The lines of a pid file that are needed here.
#[derive(Debug, PartialEq, Eq)]
struct PidFile<'a> {
    pid: u32,
    data: &'a str,
    sockets: Option<&'a str>,
}

impl<'a> PidFile<'a> {
    /// Returns `None` for a file that a crash or a full disk left incomplete.
    fn parse(text: &'a str) -> Option<Self> {
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 1)?;
        let data = lines.next().filter(|data| !data.is_empty())?;
        // The start time and the port come between.
        let sockets = lines.nth(2).filter(|folder| !folder.is_empty());
        Some(Self { pid, data, sockets })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_pid_files() {
        let text = "4711\n/data/pg15\n1700000000\n5432\n/tmp/goodgo-1\n\n 4711 0\nready\n";
        let whole = PidFile {
            pid: 4711,
            data: "/data/pg15",
            sockets: Some("/tmp/goodgo-1"),
        };
        assert_eq!(PidFile::parse(text), Some(whole));
        assert_eq!(PidFile::parse("4711\n/data/pg15\n").unwrap().sockets, None);
        assert_eq!(PidFile::parse(""), None);
        assert_eq!(PidFile::parse("1\n/data\n"), None);
    }

    #[test]
    fn requires_the_data_folder_on_the_command_line() {
        assert!(!is_running(std::process::id(), "/data/of/nobody"));
    }

    #[test]
    fn writes_urls_that_tokio_postgres_parses() {
        let config: tokio_postgres::Config =
            url(Path::new("/tmp/ö a/goodgo-1"), NAME).parse().unwrap();
        assert_eq!(
            config.get_hosts(),
            [tokio_postgres::config::Host::Unix(
                "/tmp/ö a/goodgo-1".into()
            )]
        );
        assert_eq!(config.get_dbname(), Some(NAME));
    }

    #[test]
    fn quotes_words_for_the_shell() {
        assert_eq!(quote(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
