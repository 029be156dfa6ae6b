//! Labels of metrics that clients choose, bounded because each label takes memory.

use std::collections::HashMap;

use async_graphql::parser::types::OperationType;
use parking_lot::RwLock;
use resolvers::TypeIndex;

/// Distinct names of operations; more are counted as `other`.
const MAX_NAMES: usize = 200;
/// Characters of a name in labels, logs and traces.
const MAX_LENGTH: usize = 100;

/// The known names.
#[derive(Debug, Default)]
pub struct Names {
    operations: RwLock<HashMap<(u8, String), &'static str>>,
    subscriptions: Vec<&'static str>,
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

    /// The label of an operation: its kind and its name. Only executed operations add names.
    pub fn operation(
        &self,
        kind: OperationType,
        name: Option<&str>,
        executed: bool,
    ) -> &'static str {
        let (index, unnamed, other) = match kind {
            OperationType::Query => (0, "query unnamed", "query other"),
            OperationType::Mutation => (1, "mutation unnamed", "mutation other"),
            OperationType::Subscription => (2, "subscription unnamed", "subscription other"),
        };
        let Some(name) = name else { return unnamed };
        let key = (index, cut(name).to_owned());
        let known = self.operations.read();
        match known.get(&key) {
            Some(label) => return label,
            None if !executed || known.len() >= MAX_NAMES => return other,
            None => drop(known),
        }
        let mut known = self.operations.write();
        if known.len() >= MAX_NAMES {
            return other;
        }
        let label = format!("{} {}", name_of(kind), key.1);
        known.entry(key).or_insert_with(|| leak(&label))
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
        let label = |name: &str, executed| {
            names
                .operation(OperationType::Query, Some(name), executed)
                .to_owned()
        };
        assert_eq!(
            names.operation(OperationType::Query, None, true),
            "query unnamed"
        );
        assert_eq!(label("Refused", false), "query other");
        for number in 0..MAX_NAMES {
            let name = format!("N{number}");
            assert_eq!(label(&name, true), format!("query {name}"));
        }
        assert_eq!(label("Late", true), "query other");
        assert_eq!(label("N7", false), "query N7");
        let mutation = names.operation(OperationType::Mutation, Some("N7"), true);
        assert_eq!(mutation, "mutation other");
    }

    #[test]
    fn knows_the_subscriptions_of_the_schema() {
        let names = Names::of_schema(resolvers::schema().types());
        assert_eq!(names.subscription(Some("minerUpdated")), "minerUpdated");
        assert_eq!(names.subscription(Some("invented")), "other");
        assert_eq!(names.subscription(None), "other");
    }
}
