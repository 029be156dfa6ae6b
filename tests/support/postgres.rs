//! PostgreSQL servers of one test: a primary, its standbys, and PgBouncer. They listen on an address of this process
//! below 127.0.0.0/8, so no other process takes their ports.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use devdb::{DataDir, Options};
use tokio_postgres::NoTls;

use super::{PATIENCE, in_time, variable};

/// Next free port, counted over all tests of this process, which may run side by side.
static NEXT_PORT: AtomicU16 = AtomicU16::new(5_432);

/// Servers of one test.
pub struct Servers {
    folder: DataDir,
    options: Options,
    address: String,
    /// Removes the folder.
    _folder: tempfile::TempDir,
}

/// One PostgreSQL server, stopped when dropped.
pub struct Postgres<'a> {
    servers: &'a Servers,
    name: String,
    port: u16,
    settings: Vec<(String, String)>,
}

impl Servers {
    /// A folder for servers.
    pub fn new() -> Self {
        let removed = tempfile::Builder::new()
            .prefix("goodgo-servers-")
            .tempdir()
            .unwrap();
        let folder = DataDir::resolve(&removed.path().join("servers")).unwrap();
        // Root's temporary folder is closed to the account that runs PostgreSQL.
        open(removed.path(), 0o755);
        folder.create().unwrap();
        open(folder.path(), 0o777);
        let [_, a, b, c] = std::process::id().to_be_bytes();
        Self {
            folder,
            options: Options {
                path: variable("PATH"),
                ..Options::default()
            },
            address: format!("127.{}.{b}.{c}", a % 64 + 64),
            _folder: removed,
        }
    }

    /// Creates and starts a primary.
    pub fn primary(&self, name: &str, settings: &[(&str, &str)]) -> Postgres<'_> {
        let server = self.server(name, settings);
        self.run(
            "initdb",
            &[
                "-U",
                "goodgo",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
                "--no-sync",
                "-D",
                &server.data(),
            ],
        );
        server.start();
        // There is no synchronous standby yet.
        let url = format!(
            "{}?options=-csynchronous_commit%3Dlocal",
            server.url("goodgo")
        );
        let url = url.replace("/goodgo?", "/postgres?");
        self.run("psql", &["-q", "-d", &url, "-c", "CREATE DATABASE goodgo"]);
        server
    }

    /// Creates and starts a standby of a primary.
    pub fn standby<'a>(&'a self, primary: &Postgres<'a>, name: &str) -> Postgres<'a> {
        let mut standby = self.server(name, &[]);
        standby.settings.clone_from(&primary.settings);
        standby.copy(primary, &[primary]);
        standby
    }

    /// Creates and starts two standbys of a primary, which follow whichever of the three is the primary.
    pub fn standbys<'a>(&'a self, primary: &Postgres<'a>, names: [&str; 2]) -> [Postgres<'a>; 2] {
        let settings: Vec<(&str, &str)> = primary
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let standbys = names.map(|name| self.server(name, &settings));
        let [first, second] = &standbys;
        for standby in [first, second] {
            standby.copy(primary, &[primary, first, second]);
        }
        standbys
    }

    /// Makes a certificate for the servers' address; returns the paths of certificate and key. Needs openssl.
    pub fn certificate(&self) -> [String; 2] {
        let paths = ["server.crt", "server.key", "openssl.cnf"];
        let [certificate, key, config] = paths.map(|name| self.path(name).display().to_string());
        let text = format!(
            "[req]\ndistinguished_name=name\nx509_extensions=more\n[name]\n[more]\n\
             subjectAltName=IP:{}\nbasicConstraints=critical,CA:FALSE\n",
            self.address
        );
        std::fs::write(&config, text).unwrap();
        let curve = [
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ];
        let files = ["-config", &config, "-keyout", &key, "-out", &certificate];
        let request = ["req", "-x509", "-days", "2", "-subj", "/CN=goodgo"];
        self.run("/usr/bin/openssl", &[&request[..], &curve, &files].concat());
        [certificate, key]
    }

    /// The URL of several servers, of which the primary is chosen.
    pub fn url_of(&self, servers: &[&Postgres<'_>]) -> String {
        let hosts: Vec<String> = servers
            .iter()
            .map(|server| format!("{}:{}", self.address, server.port))
            .collect();
        format!(
            "postgres://goodgo@{}/goodgo?target_session_attrs=read-write",
            hosts.join(",")
        )
    }

    fn server(&self, name: &str, settings: &[(&str, &str)]) -> Postgres<'_> {
        Postgres {
            servers: self,
            name: name.to_owned(),
            port: NEXT_PORT.fetch_add(1, Ordering::Relaxed),
            settings: settings
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        }
    }

    fn command(&self, program: &str) -> Command {
        devdb::command(&self.folder, &self.options, program).unwrap()
    }

    /// Runs a program of PostgreSQL that must succeed.
    fn run(&self, program: &str, arguments: &[&str]) {
        let output = self.command(program).args(arguments).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {text}");
    }

    /// Path of a file in the folder.
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Postgres<'_> {
    /// Replaces the data by a copy of another server's, and starts as its standby.
    pub fn copy(&self, primary: &Postgres<'_>, followed: &[&Postgres<'_>]) {
        let _ = std::fs::remove_dir_all(self.data());
        let port = primary.port.to_string();
        let from = ["-h", &self.servers.address, "-p", &port, "-U", "goodgo"];
        let to = [
            "-D",
            &self.data(),
            "--no-sync",
            "-c",
            "fast",
            "-X",
            "stream",
        ];
        self.servers
            .run("pg_basebackup", &[&from[..], &to].concat());
        std::fs::write(format!("{}/standby.signal", self.data()), "").unwrap();
        let ports: Vec<String> = followed
            .iter()
            .map(|server| server.port.to_string())
            .collect();
        let hosts = vec![self.servers.address.as_str(); ports.len()];
        let follow = format!(
            "primary_conninfo = 'host={} port={} user=goodgo application_name={} target_session_attrs=read-write'\n",
            hosts.join(","),
            ports.join(","),
            self.name
        );
        std::fs::write(format!("{}/postgresql.auto.conf", self.data()), follow).unwrap();
        self.start();
    }

    /// Starts the server and waits until it answers.
    pub fn start(&self) {
        use std::fmt::Write;
        let mut options = format!(
            "-c listen_addresses={} -c port={} -c unix_socket_directories= -c fsync=off -c wal_retrieve_retry_interval=100",
            self.servers.address, self.port
        );
        for (name, value) in &self.settings {
            write!(options, " -c {name}='{value}'").unwrap();
        }
        let log = format!("{}.log", self.data());
        self.servers.run(
            "pg_ctl",
            &[
                "start",
                "-w",
                "-s",
                "-D",
                &self.data(),
                "-l",
                &log,
                "-o",
                &options,
            ],
        );
    }

    /// Stops the server: `fast`, or `immediate` as a crash would.
    pub fn stop(&self, mode: &str) {
        self.servers.run(
            "pg_ctl",
            &["stop", "-w", "-s", "-m", mode, "-D", &self.data()],
        );
    }

    /// Makes the standby a primary.
    pub fn promote(&self) {
        self.servers
            .run("pg_ctl", &["promote", "-w", "-s", "-D", &self.data()]);
    }

    /// The URL of this server for a user.
    pub fn url(&self, user: &str) -> String {
        format!(
            "postgres://{user}@{}:{}/goodgo",
            self.servers.address, self.port
        )
    }

    /// Executes statements, each in a transaction of its own.
    pub async fn sql_alone(&self, statements: &str) {
        let (client, connection) = tokio_postgres::connect(&self.url("goodgo"), NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        for statement in statements.split(';') {
            client.batch_execute(statement).await.unwrap();
        }
    }

    /// Executes SQL. Returns the first value of the last row, if there is one.
    pub async fn sql(&self, sql: &str) -> Option<String> {
        let (client, connection) = tokio_postgres::connect(&self.url("goodgo"), NoTls)
            .await
            .unwrap();
        let driver = tokio::spawn(connection);
        let answers = client.simple_query(sql).await.unwrap();
        drop(client);
        driver.await.unwrap().unwrap();
        answers.iter().rev().find_map(|answer| match answer {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
    }

    /// Waits until a query returns a value.
    pub async fn until(&self, sql: &str, value: &str) {
        let reached = async { while self.sql(sql).await.as_deref() != Some(value) {} };
        let waited = tokio::time::timeout(PATIENCE, reached).await;
        assert!(waited.is_ok(), "{sql} isn't {value}");
    }

    /// Starts PgBouncer before the server.
    pub async fn pgbouncer(&self, settings: &str) -> PgBouncer {
        let servers = self.servers;
        let port = NEXT_PORT.fetch_add(1, Ordering::Relaxed);
        let (ini, users) = (servers.path("pgbouncer.ini"), servers.path("users.txt"));
        std::fs::write(&users, "\"goodgo\" \"\"\n\"goodgo_app\" \"\"\n").unwrap();
        let text = format!(
            "[databases]\n* = host={address} port={}\n[pgbouncer]\nlisten_addr = {address}\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = trust\nauth_file = {}\n{settings}\n",
            self.port,
            users.display(),
            address = servers.address,
        );
        std::fs::write(&ini, text).unwrap();
        let child = servers
            .command(PgBouncer::PROGRAM)
            .arg(&ini)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pgbouncer = PgBouncer {
            child,
            url: format!("{}:{port}/goodgo", servers.address),
        };
        let url = pgbouncer.url("goodgo");
        let answers = async { while tokio_postgres::connect(&url, NoTls).await.is_err() {} };
        in_time("an answer of PgBouncer", answers).await;
        pgbouncer
    }

    fn data(&self) -> String {
        self.servers.path(&self.name).display().to_string()
    }
}

impl Drop for Postgres<'_> {
    fn drop(&mut self) {
        let stopped = self
            .servers
            .command("pg_ctl")
            .args(["stop", "-w", "-s", "-m", "immediate", "-D", &self.data()])
            .stderr(Stdio::null())
            .status();
        // One that was stopped already is as good.
        let _ = stopped;
    }
}

/// A running PgBouncer, stopped when dropped.
pub struct PgBouncer {
    child: Child,
    url: String,
}

impl PgBouncer {
    const PROGRAM: &str = "/usr/sbin/pgbouncer";

    /// Whether it is installed.
    pub fn is_installed() -> bool {
        Path::new(Self::PROGRAM).exists()
    }

    /// The URL for a user.
    pub fn url(&self, user: &str) -> String {
        format!("postgres://{user}@{}", self.url)
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lets other users into a folder.
fn open(folder: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
}
