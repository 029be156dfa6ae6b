//! Labels of metrics that clients choose, bounded because each label takes memory.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use async_graphql::parser::types::OperationType;
use domain::access::Principal;
use lru::LruCache;
use parking_lot::{Mutex, RwLock};
use resolvers::TypeIndex;
use uuid::Uuid;

/// Distinct names of operations; more are counted as `other`.
const MAX_NAMES: usize = 200;
/// Those that users may add. The others are left to staff and services.
const MAX_NAMES_OF_USERS: usize = 150;
/// Those that one user may add, more than an app has on a day.
const MAX_NAMES_OF_USER: u32 = 30;
/// Users whose number of added names is remembered.
const REMEMBERED_USERS: NonZeroUsize = NonZeroUsize::new(1_000).expect("not zero");
/// Characters of a name in labels, logs and traces.
const MAX_LENGTH: usize = 100;

/// The known names.
#[derive(Debug)]
pub struct Names {
    operations: RwLock<HashMap<(u8, String), &'static str>>,
    added_by: Mutex<LruCache<Uuid, u32>>,
    subscriptions: Vec<&'static str>,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            operations: RwLock::default(),
            added_by: Mutex::new(LruCache::new(REMEMBERED_USERS)),
            subscriptions: Vec::new(),
        }
    }
}

/// A caller that may add a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// A user, of whom there may be many.
    User(Uuid),
    /// Staff, or a service.
    Trusted,
}

impl Author {
    /// The author of an executed operation. Anonymous callers could use up the names, so they add none.
    #[must_use]
    pub fn of(principal: &Principal) -> Option<Self> {
        match principal {
            Principal::Anonymous => None,
            Principal::Person(person) if !person.is_staff() => Some(Self::User(person.id.0)),
            Principal::Person(_) | Principal::Service(_) => Some(Self::Trusted),
        }
    }
}

impl Names {
    /// Takes the root fields of subscriptions from the schema, and registers their gauges at zero.
    #[must_use]
    pub fn of_schema(types: &TypeIndex) -> Self {
        let subscriptions: Vec<_> = types.fields("Subscription").map(leak).collect();
        for field in &subscriptions {
            metrics::gauge!("graphql_subscriptions_open", "field" => *field).increment(0);
        }
        Self {
            subscriptions,
            ..Self::default()
        }
    }

    /// The label of an operation: its kind and its name. An unknown name is added only with an author.
    pub fn operation(
        &self,
        kind: OperationType,
        name: Option<&str>,
        author: Option<Author>,
    ) -> &'static str {
        let (index, unnamed, other) = match kind {
            OperationType::Query => (0, "query unnamed", "query other"),
            OperationType::Mutation => (1, "mutation unnamed", "mutation other"),
            OperationType::Subscription => (2, "subscription unnamed", "subscription other"),
        };
        let Some(name) = name else { return unnamed };
        let key = (index, cut(name).to_owned());
        if let Some(label) = self.operations.read().get(&key) {
            return label;
        }
        let Some(author) = author else { return other };
        let mut known = self.operations.write();
        if let Some(label) = known.get(&key) {
            return label;
        }
        if !self.may_add(author, known.len()) {
            return other;
        }
        let label = format!("{} {}", name_of(kind), key.1);
        let label = leak(&label);
        known.insert(key, label);
        label
    }

    /// Whether a caller may add a name to this number of names, and counts it.
    fn may_add(&self, author: Author, known: usize) -> bool {
        let Author::User(user) = author else {
            return known < MAX_NAMES;
        };
        let mut added_by = self.added_by.lock();
        let added = added_by.get_or_insert_mut(user, || 0);
        let may_add = known < MAX_NAMES_OF_USERS && *added < MAX_NAMES_OF_USER;
        *added += u32::from(may_add);
        may_add
    }

    /// The label of a subscription: its root field, if the schema has it.
    #[must_use]
    pub fn subscription(&self, field: Option<&str>) -> &'static str {
        let mut known = self.subscriptions.iter();
        known
            .find(|known| Some(**known) == field)
            .unwrap_or(&"other")
    }
}

/// The label of a kind of operation.
#[must_use]
pub fn name_of(kind: OperationType) -> &'static str {
    match kind {
        OperationType::Query => "query",
        OperationType::Mutation => "mutation",
        OperationType::Subscription => "subscription",
    }
}

/// Truncates a name. GraphQL names are ASCII.
#[must_use]
pub fn cut(name: &str) -> &str {
    name.get(..MAX_LENGTH).unwrap_or(name)
}

/// Makes a label static. The number of labels is bounded.
fn leak(name: &str) -> &'static str {
    Box::leak(name.into())
}

#[cfg(test)]
mod tests {
    use resolvers::request::Engine as _;

    use super::*;

    #[test]
    fn counts_surplus_names_as_other() {
        let names = Names::default();
        let label = |name: &str, author| {
            names
                .operation(OperationType::Query, Some(name), author)
                .to_owned()
        };
        let staff = Some(Author::Trusted);
        assert_eq!(
            names.operation(OperationType::Query, None, staff),
            "query unnamed"
        );
        assert_eq!(label("Refused", None), "query other");
        for number in 0..MAX_NAMES {
            let name = format!("N{number}");
            assert_eq!(label(&name, staff), format!("query {name}"));
        }
        assert_eq!(label("Late", staff), "query other");
        assert_eq!(label("N7", None), "query N7");
        let mutation = names.operation(OperationType::Mutation, Some("N7"), staff);
        assert_eq!(mutation, "mutation other");
    }

    #[test]
    fn leaves_names_to_others() {
        let names = Names::default();
        let adds = |user: u128, name: u32| {
            let (author, name) = (
                Author::User(Uuid::from_u128(user)),
                format!("N{user}x{name}"),
            );
            let label = names.operation(OperationType::Query, Some(&name), Some(author));
            label != "query other"
        };
        let added = (0..100).filter(|name| adds(1, *name)).count();
        assert_eq!(added, MAX_NAMES_OF_USER as usize);
        assert!(adds(2, 0));
        for user in 3..100 {
            adds(user, 0);
            adds(user, 1);
        }
        assert!(!adds(200, 0));
        let staff = names.operation(OperationType::Query, Some("Staff"), Some(Author::Trusted));
        assert_eq!(staff, "query Staff");
    }

    #[test]
    fn knows_the_subscriptions_of_the_schema() {
        let names = Names::of_schema(resolvers::schema().types());
        assert_eq!(names.subscription(Some("minerUpdated")), "minerUpdated");
        assert_eq!(names.subscription(Some("invented")), "other");
        assert_eq!(names.subscription(None), "other");
    }
}
