//! Measures an operation with fragments expanded; each fragment is measured once.

use std::collections::HashMap;

use async_graphql::parser::types::{
    BaseType, Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection,
    SelectionSet,
};
use async_graphql::{Name, Positioned, Value, Variables};
use async_graphql_value::Value as Written;

use super::{Excess, NESTING, Problem, invalid, over};
use crate::type_index::{self, TypeIndex};

/// Arguments that are, or contain, the length of a list.
const LENGTHS: [&str; 4] = ["first", "last", "limit", "ids"];
/// Fields of the argument `input` whose length is that of a list in the payload.
pub(super) const INPUT_LISTS: [&str; 1] = ["settlements"];
/// Refusals of a command.
const USER_ERRORS: &str = "userErrors";
/// Assumed length of a list without a length argument.
const UNBOUNDED: u64 = 5;
/// Cost of a mutation.
const COMMAND: u64 = 10;

/// Size of a selection. Sums saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Measure {
    pub fields: u64,
    pub depth: u64,
    /// Nesting of selections with fragments expanded.
    pub nesting: u64,
    pub aliases: u64,
    pub directives: u64,
    /// Values of variables, counted at each use: each use copies the whole variable.
    pub values: u64,
    /// Fields of the selection itself.
    pub root_fields: u64,
    /// Nesting of introspection lists.
    pub introspection_lists: u64,
    /// Cost of one item of each list whose length the parent field determines.
    items: u64,
    /// Cost of the rest.
    rest: u64,
}

impl Measure {
    /// Cost with lists of assumed length.
    pub fn cost(self) -> u64 {
        self.cost_with(UNBOUNDED).max(1)
    }

    fn cost_with(self, length: u64) -> u64 {
        self.items.saturating_mul(length).saturating_add(self.rest)
    }

    fn add(&mut self, other: Self) {
        for (sum, more) in [
            (&mut self.fields, other.fields),
            (&mut self.aliases, other.aliases),
            (&mut self.directives, other.directives),
            (&mut self.values, other.values),
            (&mut self.root_fields, other.root_fields),
            (&mut self.items, other.items),
            (&mut self.rest, other.rest),
        ] {
            *sum = sum.saturating_add(more);
        }
        self.depth = self.depth.max(other.depth);
        self.nesting = self.nesting.max(other.nesting);
        self.introspection_lists = self.introspection_lists.max(other.introspection_lists);
    }
}

/// Measures one operation of a document.
pub(super) struct Measuring<'a> {
    types: &'a TypeIndex,
    document: &'a ExecutableDocument,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
    /// Measures of fragments; none for those in progress.
    fragments: HashMap<&'a str, Option<Measure>>,
    /// Sizes of variables.
    sizes: HashMap<&'a str, u64>,
    nesting: u64,
}

impl<'a> Measuring<'a> {
    pub fn new(
        types: &'a TypeIndex,
        document: &'a ExecutableDocument,
        operation: &'a OperationDefinition,
        variables: &'a Variables,
    ) -> Self {
        Self {
            types,
            document,
            operation,
            variables,
            fragments: HashMap::new(),
            sizes: HashMap::new(),
            nesting: 0,
        }
    }

    /// Measures the operation.
    pub fn operation(&mut self) -> Result<Measure, Problem> {
        let operation = self.operation;
        let root = match operation.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        let mut measure = self.selections(&operation.selection_set.node, root)?;
        measure.add(self.directives(&operation.directives)?);
        for variable in &operation.variable_definitions {
            measure.add(self.directives(&variable.node.directives)?);
        }
        Ok(measure)
    }

    fn selections(&mut self, set: &'a SelectionSet, of: &str) -> Result<Measure, Problem> {
        if set.items.is_empty() {
            return Ok(Measure::default());
        }
        // Checked while measuring: this recursion uses the stack, too.
        self.nesting += 1;
        if let Some(excess) = over("nesting", NESTING, self.nesting) {
            return Err(Excess::into(excess));
        }
        let mut sum = Measure::default();
        for selection in &set.items {
            let measure = match &selection.node {
                Selection::Field(field) => self.field(field, of)?,
                Selection::FragmentSpread(spread) => {
                    let mut measure = self.fragment(&spread.node.fragment_name)?;
                    measure.add(self.directives(&spread.node.directives)?);
                    measure
                }
                Selection::InlineFragment(fragment) => {
                    let fragment = &fragment.node;
                    let of = fragment
                        .type_condition
                        .as_ref()
                        .map_or(of, |condition| condition.node.on.node.as_str());
                    let mut measure = self.selections(&fragment.selection_set.node, of)?;
                    measure.add(self.directives(&fragment.directives)?);
                    measure
                }
            };
            sum.add(measure);
        }
        self.nesting -= 1;
        sum.nesting = sum.nesting.saturating_add(1);
        Ok(sum)
    }

    fn fragment(&mut self, name: &'a Positioned<Name>) -> Result<Measure, Problem> {
        match self.fragments.get(name.node.as_str()) {
            Some(Some(measure)) => return Ok(*measure),
            Some(None) => {
                let message = format!("the fragment {} spreads itself", name.node);
                return Err(invalid(message, name));
            }
            None => {}
        }
        // The engine reports this only after visiting all that leads there.
        let Some(fragment) = self.document.fragments.get(&name.node) else {
            let message = format!("there is no fragment {}", name.node);
            return Err(invalid(message, name));
        };
        let fragment = &fragment.node;
        self.fragments.insert(&name.node, None);
        let of = fragment.type_condition.node.on.node.as_str();
        let mut measure = self.selections(&fragment.selection_set.node, of)?;
        measure.add(self.directives(&fragment.directives)?);
        self.fragments.insert(&name.node, Some(measure));
        Ok(measure)
    }

    fn field(&mut self, field: &'a Positioned<Field>, of: &str) -> Result<Measure, Problem> {
        let field = &field.node;
        let known = self.types.field(of, &field.name.node);
        let inner = known.map_or("", |known| known.of.as_str());
        let below = self.selections(&field.selection_set.node, inner)?;
        let is_list = known.is_some_and(|known| known.is_list);
        let mut measure = Measure {
            fields: below.fields.saturating_add(1),
            depth: below.depth.saturating_add(1),
            nesting: below.nesting,
            aliases: below
                .aliases
                .saturating_add(u64::from(field.alias.is_some())),
            introspection_lists: below
                .introspection_lists
                .saturating_add(u64::from(is_list && is_recursive(&field.name.node, of))),
            root_fields: 1,
            ..Measure::default()
        };
        measure.add(self.directives(&field.directives)?);
        measure.directives = measure.directives.saturating_add(below.directives);
        measure.values = measure.values.saturating_add(below.values);
        for (_, value) in &field.arguments {
            measure.values = measure.values.saturating_add(self.copied_size(&value.node));
        }
        if let Some(known) = known.filter(|known| self.types.is_composite(&known.of)) {
            let own = if of == "Mutation" { COMMAND } else { 1 };
            let length = self.length(field, known);
            match (known.is_list, length) {
                // As many as in other payloads, whatever the length of the input.
                (true, None) if field.name.node == USER_ERRORS => {
                    let item = below.cost_with(UNBOUNDED).saturating_add(own);
                    measure.rest = item.saturating_mul(UNBOUNDED);
                }
                // A list of a connection, or one without arguments: the parent determines its length.
                (true, None) => measure.items = below.cost_with(UNBOUNDED).saturating_add(own),
                (true, Some(length)) => {
                    let item = below.cost_with(UNBOUNDED).saturating_add(own);
                    measure.rest = item.saturating_mul(length);
                }
                (false, length) => {
                    let inside = below.cost_with(length.unwrap_or(UNBOUNDED));
                    // A batch counts by its input, also when its results are not selected.
                    let batch = self.batch(field).unwrap_or_default();
                    measure.rest = inside.max(batch).saturating_add(own);
                }
            }
        }
        Ok(measure)
    }

    fn directives(&mut self, directives: &'a [Positioned<Directive>]) -> Result<Measure, Problem> {
        let mut measure = Measure {
            directives: u64::try_from(directives.len()).unwrap_or(u64::MAX),
            ..Measure::default()
        };
        for (name, value) in directives
            .iter()
            .flat_map(|directive| &directive.node.arguments)
        {
            // `@include` and `@skip` are the only directives of documents, and `if` is not null.
            self.check_not_null(name, value)?;
            measure.values = measure.values.saturating_add(self.copied_size(&value.node));
        }
        Ok(measure)
    }

    /// Size of the variables that a value copies.
    fn copied_size(&mut self, value: &'a Written) -> u64 {
        match value {
            Written::Variable(name) => {
                if let Some(size) = self.sizes.get(name.as_str()) {
                    return *size;
                }
                let size = self.variable(name).map_or(0, size_of);
                self.sizes.insert(name, size);
                size
            }
            Written::List(items) => {
                let items = items.iter().map(|item| self.copied_size(item));
                items.fold(0, u64::saturating_add)
            }
            Written::Object(fields) => {
                let fields = fields.values().map(|value| self.copied_size(value));
                fields.fold(0, u64::saturating_add)
            }
            _ => 0,
        }
    }

    /// Largest length of a list by the field's arguments.
    fn length(&self, field: &Field, known: &type_index::Field) -> Option<u64> {
        let sizes = LENGTHS.into_iter().filter_map(|name| {
            let input = known.arguments.get(name)?;
            let is_list = matches!(input.of.base, BaseType::List(_));
            let given = field.get_argument(name);
            let given = given.and_then(|given| self.given_length(&given.node, is_list));
            given.or_else(|| length_of(input.default.as_ref()?, is_list))
        });
        sizes.chain(self.batch(field)).max()
    }

    /// Length of the list in the argument `input` of a batch.
    fn batch(&self, field: &Field) -> Option<u64> {
        let input = field.get_argument("input");
        let lists = INPUT_LISTS
            .into_iter()
            .filter_map(|name| match &input?.node {
                Written::Variable(variable) => match self.variable(variable)? {
                    Value::Object(fields) => length_of(fields.get(name)?, true),
                    _ => None,
                },
                Written::Object(fields) => self.given_length(fields.get(name)?, true),
                _ => None,
            });
        lists.max()
    }

    /// Number of items that a value of the document asks for. Variables, which can be large, are borrowed.
    fn given_length(&self, value: &Written, is_list: bool) -> Option<u64> {
        match value {
            Written::Variable(variable) => length_of(self.variable(variable)?, is_list),
            Written::Number(number) => length_of(&Value::Number(number.clone()), is_list),
            Written::List(items) => u64::try_from(items.len()).ok(),
            Written::Null => None,
            _ => is_list.then_some(1),
        }
    }

    fn variable(&self, name: &Name) -> Option<&Value> {
        let mut definitions = self.operation.variable_definitions.iter();
        self.variables.get(name).or_else(|| {
            definitions
                .find(|definition| definition.node.name.node == *name)
                .and_then(|definition| Some(&definition.node.default_value.as_ref()?.node))
        })
    }

    /// Checks that the condition of `@include` or `@skip` is no variable with the value null.
    fn check_not_null(
        &self,
        name: &'a Positioned<Name>,
        value: &'a Positioned<Written>,
    ) -> Result<(), Problem> {
        match &value.node {
            Written::Variable(variable) if self.variables.get(variable) == Some(&Value::Null) => {
                let message = format!(
                    "the argument {} must not be null, which is the value of ${variable}",
                    name.node
                );
                Err(Problem::Variable {
                    message,
                    at: value.pos,
                })
            }
            _ => Ok(()),
        }
    }
}

/// Size of a value: 1 and its contents; long texts count by their length.
fn size_of(value: &Value) -> u64 {
    let inside = match value {
        Value::String(text) => u64::try_from(text.len() / 64).unwrap_or(u64::MAX),
        Value::List(items) => items.iter().map(size_of).fold(0, u64::saturating_add),
        Value::Object(fields) => fields.values().map(size_of).fold(0, u64::saturating_add),
        _ => 0,
    };
    inside.saturating_add(1)
}

/// Number of items that a value asks for, as a number or as the length of a list; at least 0. A single value of a list is a
/// list of one.
fn length_of(value: &Value, is_list: bool) -> Option<u64> {
    match value {
        Value::List(items) => u64::try_from(items.len()).ok(),
        Value::Null => None,
        _ if is_list => Some(1),
        Value::Number(number) => {
            let number = number.as_i64()?;
            Some(u64::try_from(number).unwrap_or(0))
        }
        _ => None,
    }
}

/// Whether an introspection list contains lists of the same kind, so that nesting multiplies the response.
fn is_recursive(field: &str, of: &str) -> bool {
    of == "__Type"
        && matches!(
            field,
            "fields" | "interfaces" | "possibleTypes" | "inputFields"
        )
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;
    use crate::request::Engine as _;

    fn measured(query: &str) -> Result<Measure, Problem> {
        let document = parse_query(query).expect("a document");
        let (_, operation) = document.operations.iter().next().expect("an operation");
        let variables = Variables::from_json(json!({"n": 7, "none": null, "ids": ["a", "b", "c"]}));
        let schema = crate::schema();
        let types = schema.types();
        Measuring::new(types, &document, &operation.node, &variables).operation()
    }

    #[test]
    fn counts_the_items_of_a_batch() {
        let query = "mutation ($input: HoldBatchSettleInput!) { holdBatchSettle(input: $input) { results { settlement { uuid } } } }";
        let document = parse_query(query).expect("a document");
        let (_, operation) = document.operations.iter().next().expect("an operation");
        let schema = crate::schema();
        for (settlements, points) in [(1, 12), (500, 1_010)] {
            let items = vec![json!({"holdId": "x", "outcome": "LOSS"}); settlements];
            let variables = Variables::from_json(json!({"input": {"settlements": items}}));
            let types = schema.types();
            let measure = Measuring::new(types, &document, &operation.node, &variables).operation();
            assert_eq!(measure.expect("a measure").cost(), points);
        }
        let without_results =
            query.replace("results { settlement { uuid } }", "userErrors { code }");
        let document = parse_query(&without_results).expect("a document");
        let (_, operation) = document.operations.iter().next().expect("an operation");
        let items = vec![json!({"holdId": "x", "outcome": "LOSS"}); 500];
        let variables = Variables::from_json(json!({"input": {"settlements": items}}));
        let types = schema.types();
        let measure = Measuring::new(types, &document, &operation.node, &variables).operation();
        assert_eq!(measure.expect("a measure").cost(), 510);
        let literal = |settlements| {
            format!(
                "mutation ($n: Int) {{ holdBatchSettle(input: {{idempotencyKey: \"k\", settlements: {settlements}}}) {{ results {{ settlement {{ uuid }} }} }} }}"
            )
        };
        let one = r#"{holdId: "x", outcome: LOSS}"#;
        let given = literal(&format!("[{one}, {one}, {one}]"));
        assert_eq!(cost(&given), 16);
    }

    /// A list in a payload is as long as one in the input, whose name has to be known here.
    #[test]
    fn knows_the_lists_that_inputs_determine() {
        let schema = crate::schema();
        let types = schema.types();
        for name in types.fields("Mutation") {
            let Some(payload) = types.field("Mutation", name).map(|field| field.of.as_str()) else {
                continue;
            };
            let is_list = |field: &str| {
                let known = types.field(payload, field);
                known.is_some_and(|known| known.is_list && types.is_composite(&known.of))
            };
            let mut lists = types.fields(payload).filter(|field| *field != USER_ERRORS);
            if lists.any(is_list) {
                let input = payload.replace("Payload", "Input");
                let known = |list: &&str| types.inputs[&input].fields.contains_key(*list);
                assert!(INPUT_LISTS.iter().any(known), "{input}");
            }
        }
    }

    fn cost(query: &str) -> u64 {
        measured(query).expect(query).cost()
    }

    #[test]
    fn counts_objects_and_list_lengths() {
        for (query, points) in [
            ("{ __typename }", 1),
            ("{ serverInfo { version } }", 1),
            ("{ viewer { roles miner { referralCode } } }", 2),
            // The connection, its nodes and their objects.
            ("{ miners(first: 50) { nodes { uuid } } }", 51),
            (
                "{ miners(first: 50) { totalCount pageInfo { hasNextPage } nodes { uuid } edges { node { uuid } } } }",
                152,
            ),
            (
                "{ miners(first: 50) { nodes { circle { members { miner { uuid } } } } } }",
                601,
            ),
            (
                "{ miners(last: 10) { nodes { history(first: 3) { nodes { pointsEarned } } } } }",
                51,
            ),
            (
                "query ($n: Int) { miners(first: $n) { nodes { uuid } } }",
                8,
            ),
            (
                "query ($m: Int = 9) { miners(first: $m) { nodes { uuid } } }",
                10,
            ),
            // The default is 100.
            ("{ leaderboard { entries { rank } } }", 101),
            (
                "{ leaderboard(limit: 3) { entries { miner { badge } } } }",
                7,
            ),
            ("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", 3),
            (
                r#"{ nodes(ids: ["a", "b"]) { ... on Miner { circle { uuid } } } }"#,
                4,
            ),
            ("{ nodes(ids: 1000000) { id } }", 1),
            (r#"{ nodes(ids: "a") { id } }"#, 1),
            ("query ($n: ID!) { nodes(ids: $n) { id } }", 1),
            ("{ currencies { code } }", 5),
            (
                "mutation { miningSessionStart(input: {}) { session { uuid } } }",
                11,
            ),
            (
                "subscription { minerUpdated { sequence miner { uuid } } }",
                2,
            ),
            ("{ miners(first: -5) { nodes { uuid } } }", 1),
            (
                "query ($absent: Int) { leaderboard(limit: $absent) { entries { rank } } }",
                101,
            ),
        ] {
            assert_eq!(cost(query), points, "{query}");
        }
    }

    #[test]
    fn refuses_null_as_a_condition() {
        let query = "query ($none: Boolean = true) { viewer { roles @include(if: $none) } }";
        let refused = measured(query).map_err(|problem| problem.to_string());
        assert!(refused.is_err_and(|text| text.contains("must not be null")));
    }

    #[test]
    fn counts_fragments_at_each_spread() {
        let spread = measured(
            "query @a { a: viewer { ...F } ...G @b } fragment F on Viewer @c { b: roles miner { uuid } }
             fragment G on Query { viewer { ...F } ... @d { viewer { roles } } }",
        )
        .expect("a measure");
        assert_eq!((spread.fields, spread.depth), (10, 3));
        assert_eq!((spread.aliases, spread.root_fields), (3, 3));
        assert_eq!(spread.directives, 5);
        // The lists of a connection have its length, also in fragments.
        let inside =
            "query { miners(first: 50) { ...F } } fragment F on MinerConnection { nodes { uuid } }";
        assert_eq!(cost(inside), 51);
    }

    #[test]
    fn measures_nested_fragments_once() {
        use std::fmt::Write;
        let mut bomb = "{ ...F0 }".to_owned();
        for number in 0..60 {
            let next = number + 1;
            let _ = write!(
                bomb,
                " fragment F{number} on Query {{ ...F{next} ...F{next} }}"
            );
        }
        let unfinished = measured(&bomb);
        assert!(
            matches!(unfinished, Err(Problem::Invalid { message, .. }) if message.contains("no fragment F60"))
        );
        bomb.push_str(" fragment F60 on Query { viewer { roles } }");
        let bomb_measured = measured(&bomb).expect("a measure");
        assert_eq!((bomb_measured.fields, bomb_measured.nesting), (1 << 61, 63));
        bomb.push_str(" fragment G on Query { ...G }");
        assert!(measured(&bomb).is_ok());
        let circle =
            "{ ...A } fragment A on Query { ...B } fragment B on Query { viewer { ...A } }";
        assert!(
            matches!(measured(circle), Err(Problem::Invalid { message, .. }) if message.contains("spreads itself"))
        );
    }

    #[test]
    fn counts_each_use_of_a_variable() {
        let query = "query ($ids: [ID!]!, $n: Int) { nodes(ids: $ids) { id } again: nodes(ids: [$n, $n]) { id } ...F }
            fragment F on Query @skip(if: $n) { miners(first: 1, filter: {search: $ids}) { nodes { uuid } } }";
        // The list and its three items twice, the number three times.
        assert_eq!(measured(query).expect("a measure").values, 2 * 4 + 3);
    }
}
