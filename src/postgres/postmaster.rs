//! One running PostgreSQL server: how to know it, reach it, and stop it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

/// The superuser, and the database.
pub(super) const NAME: &str = "goodgo";

/// Only names the socket: there is no TCP port.
pub(super) const PORT: &str = "5432";

/// How long between two looks at something that is about to happen.
pub(super) const PULSE: Duration = Duration::from_millis(10);

/// How long a fast shutdown may take before it becomes an immediate one, which loses nothing but
/// makes the next start replay the log.
const FAST: Duration = Duration::from_secs(30);
const IMMEDIATE: Duration = Duration::from_secs(10);

/// A server that is ours to stop: a child, or one that a killed program left running. Stops it when
/// dropped, so that no early return leaves one behind.
#[derive(Debug)]
pub(super) struct Postmaster {
    pub pid: u32,
    data: String,
    sockets: PathBuf,
    child: Option<Child>,
}

/// What `postmaster.pid` says about a cluster's server.
#[derive(Debug)]
pub(super) enum Found {
    /// There is none.
    Nothing,
    /// The file outlived its server, or came with a copy of the folder.
    Stale,
    /// It runs.
    Running(Server),
}

/// A running server, whoever owns it.
#[derive(Debug)]
pub(super) struct Server {
    pub pid: u32,
    /// The data folder as the server's command line names it.
    data: String,
    /// The folder of its socket, unknown for a moment after the start.
    sockets: Option<PathBuf>,
}

/// What a server says to somebody at the door.
#[derive(Debug)]
pub(super) enum Answer {
    /// It lets us in.
    Ready,
    /// It is starting, recovering or stopping.
    Busy,
    /// Nobody is there.
    Silence,
}

impl Postmaster {
    /// A server just started.
    pub fn new(child: Child, data: &Path, sockets: &Path) -> Self {
        Self {
            pid: child.id(),
            data: data.display().to_string(),
            sockets: sockets.to_path_buf(),
            child: Some(child),
        }
    }

    /// A server that somebody else left, from now on ours.
    pub fn adopt(server: Server) -> Self {
        Self {
            pid: server.pid,
            data: server.data,
            sockets: server.sockets.unwrap_or_default(),
            child: None,
        }
    }

    /// The folder of its socket.
    pub fn sockets(&self) -> &Path {
        &self.sockets
    }

    /// Whether the process has ended. A zombie has.
    pub fn is_gone(&mut self) -> bool {
        match &mut self.child {
            // Also takes the exit status, so it doesn't stay a zombie.
            Some(child) => !matches!(child.try_wait(), Ok(None)),
            None => !is_running(self.pid, &self.data),
        }
    }

    /// Stops the server: disconnects everybody, writes a checkpoint, ends.
    pub async fn stop(mut self) -> Result<()> {
        for (signal, patience) in [("INT", FAST), ("QUIT", IMMEDIATE)] {
            let since = Instant::now();
            self.signal(signal);
            while since.elapsed() < patience {
                if self.is_gone() {
                    // Its socket's folder goes when it is dropped.
                    return Ok(());
                }
                tokio::time::sleep(PULSE).await;
            }
        }
        bail!(
            "PostgreSQL (process {0}) doesn't stop: stop it with `kill -QUIT {0}`",
            self.pid
        )
    }

    /// Sends a signal, by the shell's own `kill`: the program of that name isn't everywhere.
    fn signal(&mut self, signal: &str) {
        if !self.is_gone() {
            let _ = Command::new("/bin/sh")
                .args(["-c", "kill -s \"$0\" \"$1\"", signal, &self.pid.to_string()])
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        for (signal, patience) in [("INT", 5), ("QUIT", 5)] {
            let since = Instant::now();
            self.signal(signal);
            while since.elapsed() < Duration::from_secs(patience) {
                if self.is_gone() {
                    // Empty after an orderly end; the next start makes it again.
                    let _ = std::fs::remove_dir(&self.sockets);
                    return;
                }
                std::thread::sleep(PULSE);
            }
        }
    }
}

impl Server {
    /// Knocks at its door. Behind a door that another server took over in the meantime it is
    /// silent.
    pub async fn answer(&self) -> Answer {
        let Some(sockets) = &self.sockets else {
            return Answer::Busy;
        };
        let lock = std::fs::read_to_string(socket_lock(sockets)).unwrap_or_default();
        match PidFile::parse(&lock) {
            Some(holder) if holder.pid == self.pid => knock(sockets).await,
            _ => Answer::Silence,
        }
    }

    /// The URL of its database, once it answers.
    pub fn url(&self) -> String {
        url(self.sockets.as_deref().unwrap_or(Path::new("")), NAME)
    }
}

/// Looks for the server of a cluster.
pub(super) fn look(cluster: &Path) -> Result<Found> {
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
    // A copy of a clone brings the file of the original's server, which must be left alone. A clone
    // that was moved has its own server still, under the old name.
    let ours = Path::new(data).canonicalize().map_or(true, |data| {
        cluster.canonicalize().is_ok_and(|own| own == data)
    });
    if !ours || !is_running(pid, data) {
        return Ok(Found::Stale);
    }
    Ok(Found::Running(Server {
        pid,
        data: data.to_owned(),
        sockets: sockets.map(PathBuf::from),
    }))
}

/// Removes a file that outlived its server. Should one be running for all that, PostgreSQL finds its
/// shared memory and refuses to start a second.
pub(super) fn forget(cluster: &Path) -> Result<()> {
    let path = cluster.join("postmaster.pid");
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} is stale and can't be removed", path.display()))
        }
        _ => Ok(()),
    }
}

/// Removes a socket that outlived its server, whose lock file counts as held while the server is a
/// zombie, in slow containers for seconds.
pub(super) fn forget_socket(sockets: &Path) -> Result<()> {
    let lock = socket_lock(sockets);
    let text = std::fs::read_to_string(&lock).unwrap_or_default();
    if PidFile::parse(&text).is_some_and(|holder| is_running(holder.pid, holder.data)) {
        // PostgreSQL says so better.
        return Ok(());
    }
    for path in [lock.with_extension(""), lock] {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error)
                    .with_context(|| format!("{} is stale and can't be removed", path.display()));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The file by which PostgreSQL holds its socket, which has the same name without `.lock`.
fn socket_lock(sockets: &Path) -> PathBuf {
    sockets.join(format!(".s.PGSQL.{PORT}.lock"))
}

/// Where to connect.
pub(super) fn url(sockets: &Path, database: &str) -> String {
    use std::fmt::Write as _;
    let mut url = format!("postgres://{NAME}@");
    for byte in sockets.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                url.push(char::from(*byte));
            }
            _ => {
                let _ = write!(url, "%{byte:02X}");
            }
        }
    }
    let _ = write!(url, ":{PORT}/{database}");
    url
}

/// Knocks.
pub(super) async fn knock(sockets: &Path) -> Answer {
    let patience = Duration::from_secs(5);
    match tokio::time::timeout(
        patience,
        tokio_postgres::connect(&url(sockets, "postgres"), NoTls),
    )
    .await
    {
        Ok(Ok(_)) => Answer::Ready,
        Ok(Err(error)) => match error.code() {
            Some(code) if *code == SqlState::CANNOT_CONNECT_NOW => Answer::Busy,
            // Whatever else it says, it is there: too many connections, for example.
            Some(_) => Answer::Ready,
            None => Answer::Silence,
        },
        Err(_) => Answer::Silence,
    }
}

/// Whether a process is the server of that data folder. Its command line decides, not the bare id:
/// ids come again, after a reboot even to the same user. A zombie has no command line.
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

/// The lines of `postmaster.pid` that matter here.
#[derive(Debug, PartialEq, Eq)]
struct PidFile<'a> {
    pid: u32,
    data: &'a str,
    sockets: Option<&'a str>,
}

impl<'a> PidFile<'a> {
    /// `None` for what a crash or a full disk left of one.
    fn parse(text: &'a str) -> Option<Self> {
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 1)?;
        let data = lines.next().filter(|data| !data.is_empty())?;
        // Then when it started, and its port.
        let sockets = lines.nth(2).filter(|folder| !folder.is_empty());
        Some(Self { pid, data, sockets })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pid_file_is_read() {
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
    fn an_id_alone_is_no_server() {
        assert!(!is_running(std::process::id(), "/data/of/nobody"));
    }

    #[test]
    fn the_url_is_one_tokio_postgres_reads() {
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
}
