//! The PostgreSQL cluster of the run, shared by all test processes, and a migrated template to copy databases from.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use db::Tls;
use devdb::{DataDir, Options, running};
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use tokio_postgres::NoTls;

/// Names the service of [`TestApp::service`](super::TestApp::service) as the issuer `tester`, with high ceilings.
pub const TESTER: &str = r"UPDATE configurations SET body = jsonb_set(body, '{issuers}', jsonb_build_array(jsonb_build_object(
    'name', 'tester', 'issuer', 'goodgo-dev-services', 'subject', 'tester',
    'depositCeilings', (SELECT jsonb_agg(jsonb_build_object('currency', code, 'amount', 1000000 * (10 ^ scale)::bigint)
        ORDER BY number) FROM currencies))))
    WHERE section = 'wallet'";

static CLUSTER: OnceCell<Cluster> = OnceCell::const_new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// The cluster of the run.
pub struct Cluster {
    url: String,
    template: String,
    folder: PathBuf,
    /// Held as long as this process uses the cluster.
    _user: File,
}

impl Cluster {
    /// The cluster, started or found by the first test.
    pub async fn get() -> &'static Self {
        CLUSTER.get_or_init(Self::start).await
    }

    /// Copies the template; returns the copy's name and URL.
    pub async fn create_database(&self) -> (String, String) {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("t{}_{number}", std::process::id());
        // A killed process may have left one, and process ids are used again.
        self.execute(&format!("DROP DATABASE IF EXISTS {name}"))
            .await;
        self.execute(&format!(
            "CREATE DATABASE {name} TEMPLATE {}",
            self.template
        ))
        .await;
        let url = self.url_of(&name);
        (name, url)
    }

    /// Drops a database and closes its connections.
    pub async fn drop_database(&self, name: &str) {
        self.execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
            .await;
    }

    /// The lines of the cluster's log about a database.
    pub fn log_of(&self, name: &str) -> String {
        let log = std::fs::read(self.folder.join("postgres.log")).unwrap_or_default();
        let marker = format!("] {name} ");
        String::from_utf8_lossy(&log)
            .lines()
            .filter(|line| line.contains(&marker))
            .collect::<Vec<_>>()
            .join("\n")
    }

    async fn start() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cluster");
        let folder = DataDir::resolve(&folder).unwrap();
        folder.create().unwrap();
        // A lock lets one process at a time start the cluster or find it started; all of them keep it alive.
        let users = folder.path().join("users.lock");
        let starting = File::create(folder.path().join("starting.lock")).unwrap();
        starting.lock().unwrap();
        let user = File::create(&users).unwrap();
        user.lock_shared().unwrap();
        let url = match running(&folder).await {
            Ok(url) => url,
            Err(_) => start_and_watch(&folder, &users).await,
        };
        let cluster = Self {
            template: format!("template_{}", migrations_hash()),
            url,
            folder: folder.path().to_owned(),
            _user: user,
        };
        cluster.make_template().await;
        starting.unlock().unwrap();
        cluster
    }

    async fn make_template(&self) {
        let client = self.client("goodgo").await;
        let exists = client
            .query_opt(
                "SELECT 1 FROM pg_database WHERE datname = $1 AND NOT datallowconn",
                &[&self.template],
            )
            .await
            .unwrap();
        if exists.is_some() {
            return;
        }
        let made = format!("{}_made", self.template);
        self.execute(&format!("DROP DATABASE IF EXISTS {made} WITH (FORCE)"))
            .await;
        self.execute(&format!("CREATE DATABASE {made}")).await;
        db::migrate::migrate(&self.url_of(&made), &Tls::from_machine(), None)
            .await
            .unwrap();
        self.client(&made)
            .await
            .batch_execute(TESTER)
            .await
            .unwrap();
        // Copying fails while there are connections, so none are allowed.
        self.execute(&format!(
            "ALTER DATABASE {made} WITH ALLOW_CONNECTIONS false"
        ))
        .await;
        let closing = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        client.execute(closing, &[&made]).await.unwrap();
        self.execute(&format!(
            "ALTER DATABASE {made} RENAME TO {}",
            self.template
        ))
        .await;
    }

    fn url_of(&self, database: &str) -> String {
        let (server, _) = self.url.rsplit_once('/').unwrap();
        format!("{server}/{database}")
    }

    async fn client(&self, database: &str) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(&self.url_of(database), NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client
    }

    async fn execute(&self, sql: &str) {
        self.client("goodgo")
            .await
            .batch_execute(sql)
            .await
            .unwrap();
    }
}

/// Starts the cluster, and a watchdog that stops it when its last user is gone.
#[expect(
    clippy::zombie_processes,
    reason = "the watchdog outlives this process"
)]
async fn start_and_watch(folder: &DataDir, users: &Path) -> String {
    let fast = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let options = Options {
        path: super::variable("PATH"),
        // Tests that kill the database have clusters of their own with durable settings.
        settings: vec![
            fast("fsync", "off"),
            fast("full_page_writes", "off"),
            fast("synchronous_commit", "off"),
            fast("max_connections", "400"),
        ],
        ..Options::default()
    };
    let cluster = devdb::Cluster::start(folder, &options).await.unwrap();
    let url = cluster.url().to_owned();
    // The cluster outlives this process if others use it: the watchdog stops it.
    std::mem::forget(cluster);
    // The watchdog holds the users' lock until the server is gone: a process that starts meanwhile starts another.
    let watchdog = r#"flock -x "$1" sh -c '
        for file in "$1"/pg*/postmaster.pid; do
            server=$(head -n 1 "$file") && kill -INT "$server" || continue
            for _ in $(seq 200); do kill -0 "$server" 2>/dev/null || break; sleep 0.05; done
        done' stop "$2""#;
    Command::new("sh")
        .args(["-c", watchdog, "watchdog"])
        .arg(users)
        .arg(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    url
}

/// A name of the template by its migrations.
fn migrations_hash() -> String {
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
    folders.sort();
    let mut hash = Sha256::new().chain_update(TESTER);
    for folder in folders {
        hash.update(std::fs::read(folder.join("up.sql")).unwrap());
    }
    let name: String = URL_SAFE_NO_PAD.encode(hash.finalize());
    name.to_lowercase().replace(['-', '_'], "x")[..12].to_owned()
}
