//! A running program.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use domain::ids::UserId;
use goodgo::auth::clock::instance_now;
use goodgo::auth::tokens::{self, UserToken, Validity};
use goodgo::secrets::DevSecrets;

use crate::support::{Actor, PATIENCE, in_time, variable};

/// Running server with its own data folder.
pub struct Program {
    pub address: SocketAddr,
    folder: PathBuf,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    listening: Option<JoinHandle<()>>,
}

/// Command of the program without the settings of this process.
pub fn goodgo(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_goodgo"));
    settle(command.args(args), folder);
    command
}

/// Sets the environment of a program.
fn settle(command: &mut Command, folder: &Path) {
    command
        .env_clear()
        .env("PATH", variable("PATH").unwrap_or_default())
        .env("GOODGO_DATA_DIR", folder)
        .env("PORT", "0")
        .stdin(Stdio::null());
}

/// Runs a command to its end; returns its exit code, standard output and standard error.
pub fn run(command: &mut Command) -> (i32, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

impl Program {
    /// Starts serving and waits until it listens.
    pub fn start(folder: &Path) -> Self {
        Self::launch(folder, &mut goodgo(folder, &["serve"]))
    }

    /// Starts serving with settings.
    pub fn start_with(folder: &Path, settings: &[(&str, &str)]) -> Self {
        let mut command = goodgo(folder, &["serve"]);
        Self::launch(folder, command.envs(settings.iter().copied()))
    }

    /// Starts serving with at most this number of open files.
    pub fn start_with_files(folder: &Path, files: u32, settings: &[(&str, &str)]) -> Self {
        let program = env!("CARGO_BIN_EXE_goodgo");
        let limited = format!("ulimit -n {files} && exec {program} serve");
        let mut command = Command::new("sh");
        command.args(["-c", &limited]);
        settle(&mut command, folder);
        Self::launch(folder, command.envs(settings.iter().copied()))
    }

    /// Starts another process over the same database and secrets.
    pub async fn another(&self) -> Self {
        self.another_with(&[]).await
    }

    /// Starts another process with settings.
    pub async fn another_with(&self, settings: &[(&str, &str)]) -> Self {
        let data = devdb::DataDir::resolve(&self.folder).unwrap();
        let url = devdb::running(&data).await.unwrap();
        let mut command = goodgo(&self.folder, &["serve"]);
        command
            .env("DATABASE_URL", url)
            .envs(settings.iter().copied());
        Self::launch(&self.folder, &mut command)
    }

    fn launch(folder: &Path, command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let started = Instant::now();
        let mut log = String::new();
        let address = loop {
            assert!(started.elapsed() < PATIENCE, "it doesn't listen: {log}");
            let Some(Ok(line)) = lines.next() else {
                panic!("it ended before it listened: {log}")
            };
            log.push_str(&line);
            if let Some((_, rest)) = line.split_once("Listening on http://") {
                let address: String = rest
                    .chars()
                    .take_while(|c| c.is_ascii_digit() || ".:".contains(*c))
                    .collect();
                break address.parse().unwrap();
            }
        };
        // The output has to be read on, or the program would block.
        let log = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&log);
        let listening = std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                heard.lock().unwrap().push(line);
            }
        });
        Self {
            address,
            folder: folder.to_owned(),
            child,
            log,
            listening: Some(listening),
        }
    }

    /// Demo person, with a token that the program prints.
    pub fn demo(&self, name: &str) -> Actor {
        let (code, token, problem) = run(&mut goodgo(&self.folder, &["token", "--as", name]));
        assert_eq!(code, 0, "{problem}");
        Actor::new(self.address, Some(token.trim().to_owned()), None)
    }

    /// New person, with a token signed with the program's development secret.
    pub fn newcomer(&self) -> Actor {
        let secrets = DevSecrets::read(&self.folder).unwrap();
        let secret = secrets
            .expect("secrets of a program that started")
            .jwt_secret;
        let user_id = UserId(db::Ids::random().uuid(instance_now()));
        let token = UserToken {
            issuer: "goodgo-platform",
            audience: "goodgo-services",
            user_id,
            roles: &[],
            name: None,
            merchant_id: None,
            advertiser_id: None,
            validity: Validity {
                from: instance_now(),
                lifetime: TimeDelta::hours(1),
            },
        };
        let token = tokens::mint_user(&secret, &token).unwrap();
        Actor::new(self.address, Some(token), Some(user_id))
    }

    /// Runs a command beside the server that must succeed; returns its output.
    pub fn beside(&self, args: &[&str]) -> String {
        let (code, printed, problem) = run(&mut goodgo(&self.folder, args));
        assert_eq!(code, 0, "goodgo {args:?}: {printed}{problem}");
        printed
    }

    /// Logged warnings, errors and panics since the program listens.
    pub fn complaints(&self) -> Vec<String> {
        let mut lines = self.log();
        let bad = [" WARN ", "ERROR ", "panicked"];
        lines.retain(|line| bad.iter().any(|bad| line.contains(bad)));
        lines
    }

    /// Log lines since the program listens.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Stops the program; returns its log lines since it listened.
    pub fn log_after_stop(mut self) -> Vec<String> {
        send("TERM", self.child.id());
        assert!(self.child.wait().unwrap().success());
        if let Some(listening) = self.listening.take() {
            listening.join().unwrap();
        }
        self.log()
    }

    /// Waits for a subscriber.
    pub async fn until_followed(&self) {
        self.until("goodgo_event_followers", |followers| followers > 0.0)
            .await;
    }

    /// Waits until the value of a series meets a condition.
    pub async fn until(&self, series: &str, is_right: impl Fn(f64) -> bool) {
        let started = Instant::now();
        while !is_right(self.metric(series).await) {
            assert!(started.elapsed() < PATIENCE, "{series} stays as it is");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Value of a series.
    pub async fn metric(&self, series: &str) -> f64 {
        let scraped = reqwest::get(format!("http://{}/metrics", self.address));
        let metrics = scraped.await.unwrap().error_for_status().unwrap();
        let metrics = metrics.text().await.unwrap();
        let mut lines = metrics.lines();
        let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        value.map_or(0.0, |value| value.parse().unwrap())
    }

    /// Stops the program with SIGTERM and waits for its end.
    pub fn stop(mut self) {
        send("TERM", self.child.id());
        assert!(self.child.wait().unwrap().success());
    }

    /// Kills the postmaster and waits until the program has started another one, which serves.
    pub async fn kill_postmaster(&self) {
        let killed = postmaster(&self.folder).expect("a running postmaster");
        send("KILL", killed);
        let ready = format!("http://{}/health/ready", self.address);
        let served = async {
            loop {
                let is_new = postmaster(&self.folder).is_some_and(|now| now != killed);
                let answer = reqwest::get(&ready).await.unwrap();
                if is_new && answer.status() == 200 {
                    return;
                }
            }
        };
        in_time("a new postmaster", served).await;
    }

    /// Kills the program and its postmaster, as a power cut would.
    pub fn kill(mut self) {
        let postmaster = postmaster(&self.folder).expect("a running postmaster");
        send("KILL", self.child.id());
        send("KILL", postmaster);
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // A test that failed leaves nothing behind: the program stops its cluster when it is told to stop.
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            send("TERM", self.child.id());
            let _ = self.child.wait();
        }
    }
}

/// Process id of the cluster's postmaster while it runs.
pub fn postmaster(folder: &Path) -> Option<u32> {
    let versions = std::fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let file = versions
        .map(|entry| entry.path().join("postmaster.pid"))
        .find(|path| path.exists())?;
    std::fs::read_to_string(file)
        .ok()?
        .lines()
        .next()?
        .parse()
        .ok()
}

fn send(signal: &str, pid: u32) {
    let sent = Command::new("kill")
        .args([format!("-{signal}"), pid.to_string()])
        .status()
        .unwrap();
    assert!(sent.success(), "kill -{signal} {pid}");
}

/// Data folder, removed at the end.
pub fn folder() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("goodgo-test-")
        .tempdir()
        .unwrap()
}
