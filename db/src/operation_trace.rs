//! What an operation does at the database and by its loaders: counted always, noted step by step when somebody traces it.
//!
//! The record follows its operation through the task it runs in; [`carried`] takes it along into another one. It knows
//! nothing of how traces are told to others, and it never holds a value that was bound to a statement.

use std::borrow::Cow;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Steps of one operation that are noted; more are only counted.
const MAX_STEPS: usize = 256;
/// Bytes of a statement's text that are noted.
const MAX_TEXT: usize = 4_096;
/// Where the driver's text of a statement goes on with what was bound to it.
const BINDS: &str = "-- binds:";

tokio::task_local! {
    static SCOPE: Option<Scope>;
}

/// What one operation did.
#[derive(Debug)]
pub struct Record {
    statements: AtomicU32,
    nanoseconds: AtomicU64,
    connections: AtomicU32,
    left_out: AtomicU32,
    steps: Option<Mutex<Vec<Step>>>,
}

/// One thing an operation did.
#[derive(Clone, Debug)]
pub struct Step {
    /// What.
    pub action: Action,
    /// The step it was a part of, by its place.
    pub parent: Option<usize>,
    /// When it began.
    pub started: Instant,
    /// When it ended; none while it goes on.
    pub ended: Option<Instant>,
    /// Whether it failed.
    pub is_failed: bool,
}

/// What a step is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A statement, by its text, without what was bound to it.
    Statement(String),
    /// A batch of a loader.
    Load {
        /// Which loader.
        loader: Cow<'static, str>,
        /// How many keys it was asked for.
        keys: usize,
    },
    /// A transaction, with its repetitions.
    Write {
        /// Its name.
        name: &'static str,
        /// How often it was tried.
        attempts: u32,
    },
}

/// A record, and the step that what happens now is a part of.
#[derive(Clone, Debug)]
struct Scope {
    record: Arc<Record>,
    parent: Option<usize>,
}

impl Record {
    /// A record that counts.
    #[must_use]
    pub fn counting() -> Arc<Self> {
        Arc::new(Self::new(None))
    }

    /// A record that also notes each step.
    #[must_use]
    pub fn noting() -> Arc<Self> {
        Arc::new(Self::new(Some(Mutex::default())))
    }

    fn new(steps: Option<Mutex<Vec<Step>>>) -> Self {
        Self {
            statements: AtomicU32::new(0),
            nanoseconds: AtomicU64::new(0),
            connections: AtomicU32::new(0),
            left_out: AtomicU32::new(0),
            steps,
        }
    }

    /// Records what a future does.
    pub async fn follow<F: Future>(self: &Arc<Self>, future: F) -> F::Output {
        SCOPE.scope(Some(self.scope()), future).await
    }

    /// Records what happens while a function runs: one poll of something that goes on later.
    pub fn follow_once<T>(self: &Arc<Self>, poll: impl FnOnce() -> T) -> T {
        SCOPE.sync_scope(Some(self.scope()), poll)
    }

    /// Statements that were sent, and the time that was spent waiting for them.
    #[must_use]
    pub fn statements(&self) -> (u32, Duration) {
        let nanoseconds = AtomicU64::load(&self.nanoseconds, Ordering::Relaxed);
        (
            AtomicU32::load(&self.statements, Ordering::Relaxed),
            Duration::from_nanos(nanoseconds),
        )
    }

    /// Whether it has a connection to the database, or waits for one.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        AtomicU32::load(&self.connections, Ordering::Relaxed) > 0
    }

    /// Takes the steps; answers how many more there were.
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
        Some(steps.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes a step, if there is room; answers its place.
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

/// Takes the record of this task along into another one.
pub fn carried<F: Future>(future: F) -> impl Future<Output = F::Output> {
    SCOPE.scope(current(), future)
}

/// Notes a batch of a loader, and what it does as parts of it.
pub async fn loading<F: Future>(loader: Cow<'static, str>, keys: usize, load: F) -> F::Output {
    within(move || Action::Load { loader, keys }, load).await
}

/// Notes a transaction, and what it does as parts of it.
pub(crate) async fn writing<F: Future>(name: &'static str, write: F) -> F::Output {
    within(move || Action::Write { name, attempts: 1 }, write).await
}

/// Notes that the transaction that runs is tried again.
pub(crate) fn retrying() {
    if let Some(scope) = current()
        && let (Some(place), Some(mut steps)) = (scope.parent, scope.record.steps())
        && let Some(Step {
            action: Action::Write { attempts, .. },
            ..
        }) = steps.get_mut(place)
    {
        *attempts += 1;
    }
}

/// Notes that a connection is waited for and used, until this is dropped.
pub(crate) struct Busy(Option<Arc<Record>>);

impl Busy {
    /// Begins to wait for one.
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

/// Notes a statement that has ended.
pub(crate) fn statement(text: &dyn fmt::Display, started: Instant, is_failed: bool) -> Duration {
    let ended = Instant::now();
    let took = ended - started;
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

/// A step that goes on until this is dropped, by its end or by who stopped it.
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

/// A statement's text without the values that the driver may append to it.
fn without_binds(text: &dyn fmt::Display) -> String {
    let mut cut = Cut(String::new());
    // The end of the text is no failure: nothing behind it is even written.
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

/// The end of the last whole character before so many bytes.
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
    fn what_was_bound_is_never_noted() {
        use diesel::sql_types::Text;
        let query = diesel::sql_query("SELECT $1").bind::<Text, _>("secret");
        let text = diesel::debug_query::<diesel::pg::Pg, _>(&query);
        assert!(text.to_string().contains("secret"), "the driver says it");
        assert_eq!(without_binds(&text), "SELECT $1");
        assert_eq!(without_binds(&"SELECT 1"), "SELECT 1");
        assert_eq!(without_binds(&"é".repeat(5_000)).len(), MAX_TEXT);
        let parts = ["SELECT 2 -- bi", "nds: [1]"];
        let mut cut = Cut(String::new());
        assert!(parts.iter().any(|part| cut.write_str(part).is_err()));
        assert_eq!(cut.0, "SELECT 2 ");
    }

    #[tokio::test]
    async fn steps_know_what_they_are_a_part_of() {
        let record = Record::noting();
        record
            .follow(async {
                statement(&"SELECT 1", Instant::now(), false);
                let write = writing("test.write", async {
                    retrying();
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
        assert_eq!(steps[1].action, Action::Write { name, attempts: 2 });
        assert!(steps[2].is_failed);
        assert!(steps.iter().all(|step| step.ended.is_some()));
    }

    #[tokio::test]
    async fn a_record_that_only_counts_notes_nothing_and_a_long_one_ends() {
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
