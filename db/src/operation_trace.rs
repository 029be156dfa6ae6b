//! Trace of an operation: counts of its statements, and its steps when it is traced.
//!
//! The trace follows the operation through its task; [`carried`] passes it to another task. It does not depend on a
//! tracing library, and it never contains bound values.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, MutexGuard};
use uuid::Uuid;

/// Largest number of recorded steps; further ones are counted.
const MAX_STEPS: usize = 256;
/// Largest number of recorded bytes of a statement's text.
const MAX_TEXT: usize = 4_096;
/// Separator between a statement's text and its bound values in the driver's output.
const BINDS: &str = "-- binds:";

tokio::task_local! {
    static SCOPE: Option<Scope>;
}

/// Trace of one operation.
#[derive(Debug, Default)]
pub struct Record {
    statements: AtomicU32,
    nanoseconds: AtomicU64,
    connections: AtomicU32,
    left_out: AtomicU32,
    steps: Option<Mutex<Vec<Step>>>,
}

/// A step of an operation.
#[derive(Clone, Debug)]
pub struct Step {
    /// Kind of the step.
    pub action: Action,
    /// Index of the enclosing step.
    pub parent: Option<usize>,
    /// Start.
    pub started: Instant,
    /// End; none while it runs.
    pub ended: Option<Instant>,
    /// Whether it failed.
    pub is_failed: bool,
}

/// Kinds of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A statement, by its text without bound values.
    Statement(String),
    /// A batch of a loader.
    Load {
        /// Name of the loader.
        loader: Cow<'static, str>,
        /// Number of requested keys.
        keys: usize,
    },
    /// A transaction, including its retries.
    Write {
        /// Name of the transaction.
        name: &'static str,
        /// Number of attempts.
        attempts: u32,
        /// Ids of what the command changed, by name.
        ids: Vec<(&'static str, Uuid)>,
    },
}

/// The trace of the current task, and the enclosing step.
#[derive(Clone, Debug)]
struct Scope {
    record: Arc<Record>,
    parent: Option<usize>,
}

impl Record {
    /// A trace that counts only.
    #[must_use]
    pub fn counting() -> Arc<Self> {
        Arc::default()
    }

    /// A trace that also records steps.
    #[must_use]
    pub fn noting() -> Arc<Self> {
        Arc::new(Self {
            steps: Some(Mutex::default()),
            ..Self::default()
        })
    }

    /// Traces a future.
    pub async fn follow<F: Future>(self: &Arc<Self>, future: F) -> F::Output {
        SCOPE.scope(Some(self.scope()), future).await
    }

    /// Traces a function: one poll of a future.
    pub fn follow_once<T>(self: &Arc<Self>, poll: impl FnOnce() -> T) -> T {
        SCOPE.sync_scope(Some(self.scope()), poll)
    }

    /// Number of statements sent, and the total time spent waiting for them.
    #[must_use]
    pub fn statements(&self) -> (u32, Duration) {
        let nanoseconds = AtomicU64::load(&self.nanoseconds, Ordering::Relaxed);
        (
            AtomicU32::load(&self.statements, Ordering::Relaxed),
            Duration::from_nanos(nanoseconds),
        )
    }

    /// Whether the operation holds or waits for a database connection.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        AtomicU32::load(&self.connections, Ordering::Relaxed) > 0
    }

    /// Removes the steps; also returns the number of steps that were not recorded.
    #[must_use]
    pub fn take_steps(&self) -> (Vec<Step>, u32) {
        let steps = self.steps().map(|mut steps| std::mem::take(&mut *steps));
        let left_out = AtomicU32::load(&self.left_out, Ordering::Relaxed);
        (steps.unwrap_or_default(), left_out)
    }

    fn scope(self: &Arc<Self>) -> Scope {
        Scope {
            record: Arc::clone(self),
            parent: None,
        }
    }

    fn steps(&self) -> Option<MutexGuard<'_, Vec<Step>>> {
        let steps = self.steps.as_ref()?;
        Some(steps.lock())
    }

    /// Records a step unless the limit is reached; returns its index.
    fn note(&self, step: Step) -> Option<usize> {
        let mut steps = self.steps()?;
        if steps.len() >= MAX_STEPS {
            self.left_out.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        steps.push(step);
        Some(steps.len() - 1)
    }
}

/// Passes the trace of this task to a future that runs in another task.
pub fn carried<F: Future>(future: F) -> impl Future<Output = F::Output> {
    SCOPE.scope(current(), future)
}

/// Records a batch of a loader, with its statements as child steps.
pub async fn loading<F: Future>(loader: Cow<'static, str>, keys: usize, load: F) -> F::Output {
    within(move || Action::Load { loader, keys }, load).await
}

/// Records a transaction, with its statements as child steps.
pub(crate) async fn writing<F: Future>(name: &'static str, write: F) -> F::Output {
    let action = move || Action::Write {
        name,
        attempts: 1,
        ids: Vec::new(),
    };
    within(action, write).await
}

/// Records a retry of the running transaction, whose ids change.
pub(crate) fn retrying() {
    change_write(|attempts, ids| {
        *attempts += 1;
        ids.clear();
    });
}

/// Records the id of an object of the running transaction.
pub(crate) fn identify(name: &'static str, id: Uuid) {
    change_write(|_, ids| ids.push((name, id)));
}

/// Changes the step of the running transaction, if there is one.
fn change_write(change: impl FnOnce(&mut u32, &mut Vec<(&'static str, Uuid)>)) {
    if let Some(scope) = current()
        && let (Some(place), Some(mut steps)) = (scope.parent, scope.record.steps())
        && let Some(Step {
            action: Action::Write { attempts, ids, .. },
            ..
        }) = steps.get_mut(place)
    {
        change(attempts, ids);
    }
}

/// Marks the operation as holding or waiting for a connection, until dropped.
pub(crate) struct Busy(Option<Arc<Record>>);

impl Busy {
    /// Starts waiting for a connection.
    pub fn start() -> Self {
        let record = current().map(|scope| scope.record);
        if let Some(record) = &record {
            record.connections.fetch_add(1, Ordering::Relaxed);
        }
        Self(record)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(record) = &self.0 {
            record.connections.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Function that is called with the text of each statement.
static WATCH: OnceLock<fn(String)> = OnceLock::new();

/// Calls a function with the text of each statement of the process, for tests.
pub fn watch_statements(watch: fn(String)) {
    let _ = WATCH.set(watch);
}

/// Records a finished statement; returns its duration.
pub(crate) fn statement(text: &dyn fmt::Display, started: Instant, is_failed: bool) -> Duration {
    let ended = Instant::now();
    let took = ended - started;
    if let Some(watch) = WATCH.get() {
        watch(without_binds(text));
    }
    let _ = SCOPE.try_with(|scope| {
        let Some(Scope { record, parent }) = scope else {
            return;
        };
        record.statements.fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        record.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
        if record.steps.is_some() {
            record.note(Step {
                action: Action::Statement(without_binds(text)),
                parent: *parent,
                started,
                ended: Some(ended),
                is_failed,
            });
        }
    });
    took
}

fn current() -> Option<Scope> {
    SCOPE.try_with(Clone::clone).ok().flatten()
}

async fn within<F: Future>(action: impl FnOnce() -> Action, future: F) -> F::Output {
    let outer = current();
    let open = outer.as_ref().and_then(|scope| {
        scope.record.steps.as_ref()?;
        let place = scope.record.note(Step {
            action: action(),
            parent: scope.parent,
            started: Instant::now(),
            ended: None,
            is_failed: false,
        })?;
        Some(Open {
            record: Arc::clone(&scope.record),
            place,
        })
    });
    let inner = outer.map(|scope| Scope {
        parent: open.as_ref().map_or(scope.parent, |open| Some(open.place)),
        ..scope
    });
    SCOPE.scope(inner, future).await
}

/// A running step. It ends when this is dropped, also by cancellation.
struct Open {
    record: Arc<Record>,
    place: usize,
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(mut steps) = self.record.steps()
            && let Some(step) = steps.get_mut(self.place)
        {
            step.ended = Some(Instant::now());
        }
    }
}

/// The text of a statement without the bound values that the driver may append.
fn without_binds(text: &dyn fmt::Display) -> String {
    let mut cut = Cut(String::new());
    // The error only signals the end of the text: nothing behind it is written.
    let _ = write!(cut, "{text}");
    let Cut(mut text) = cut;
    text.truncate(text.trim_end().len());
    text
}

struct Cut(String);

impl Write for Cut {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let room = MAX_TEXT.saturating_sub(self.0.len());
        let seen = self.0.len().saturating_sub(BINDS.len());
        let part = &part[..boundary(part, room)];
        self.0.push_str(part);
        let seen = boundary(&self.0, seen);
        if let Some(at) = self.0[seen..].find(BINDS) {
            self.0.truncate(seen + at);
            return Err(fmt::Error);
        }
        if part.len() == room {
            Err(fmt::Error)
        } else {
            Ok(())
        }
    }
}

/// Largest character boundary up to this number of bytes.
fn boundary(text: &str, bytes: usize) -> usize {
    let mut at = bytes.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_no_bound_values() {
        use diesel::sql_types::Text;
        let query = diesel::sql_query("SELECT $1").bind::<Text, _>("secret");
        let text = diesel::debug_query::<diesel::pg::Pg, _>(&query);
        assert!(
            text.to_string().contains("secret"),
            "the driver's text has the value"
        );
        assert_eq!(without_binds(&text), "SELECT $1");
        assert_eq!(without_binds(&"SELECT 1"), "SELECT 1");
        assert_eq!(without_binds(&"é".repeat(5_000)).len(), MAX_TEXT);
        let parts = ["SELECT 2 -- bi", "nds: [1]"];
        let mut cut = Cut(String::new());
        assert!(parts.iter().any(|part| cut.write_str(part).is_err()));
        assert_eq!(cut.0, "SELECT 2 ");
    }

    #[tokio::test]
    async fn steps_have_their_parent() {
        let record = Record::noting();
        record
            .follow(async {
                statement(&"SELECT 1", Instant::now(), false);
                let write = writing("test.write", async {
                    identify("lost", Uuid::nil());
                    retrying();
                    identify("kept", Uuid::max());
                    statement(&"SELECT 2", Instant::now(), true);
                });
                tokio::spawn(carried(write)).await.expect("an end");
                loading("Key".into(), 3, async {
                    statement(&"SELECT 3", Instant::now(), false);
                })
                .await;
            })
            .await;
        statement(&"SELECT 'elsewhere'", Instant::now(), false);
        assert_eq!(record.statements().0, 3);
        let (steps, left_out) = record.take_steps();
        assert_eq!(left_out, 0);
        let parents: Vec<_> = steps.iter().map(|step| step.parent).collect();
        assert_eq!(parents, [None, None, Some(1), None, Some(3)]);
        let name = "test.write";
        let write = Action::Write {
            name,
            attempts: 2,
            ids: vec![("kept", Uuid::max())],
        };
        assert_eq!(steps[1].action, write);
        assert!(steps[2].is_failed);
        assert!(steps.iter().all(|step| step.ended.is_some()));
    }

    #[tokio::test]
    async fn limits_recorded_steps() {
        let counting = Record::counting();
        let noting = Record::noting();
        for record in [&counting, &noting] {
            let many = async {
                for _ in 0..300 {
                    loading("Key".into(), 1, async {}).await;
                }
                statement(&"SELECT 1", Instant::now(), false);
            };
            record.follow(many).await;
            assert_eq!(record.statements().0, 1);
        }
        assert_eq!(counting.take_steps().0.len(), 0);
        let (steps, left_out) = noting.take_steps();
        assert_eq!((steps.len(), left_out), (256, 45));
    }
}
