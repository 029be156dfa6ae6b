//! Fields of one response key, merged before execution: `CollectFields` of the specification, at every level.
//!
//! The engine executes a field once for each time that it is selected, and skips fragments at the root of a subscription.
//! Merging also expands fragments and removes what `@skip` and `@include` exclude.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, InlineFragment, OperationDefinition, OperationType,
    Selection, SelectionSet, TypeCondition,
};
use async_graphql::{Name, Positioned, Request, Value, Variables};
use async_graphql_value::Value as Written;

use crate::operation::{executed, executed_mut};
use crate::type_index::TypeIndex;

/// Most fields of a merged document; in a larger one only the root fields are merged.
const MOST_FIELDS: usize = 20_000;

/// Merges the fields of the request's operation, whose document is valid.
pub(crate) fn merge(types: &TypeIndex, request: &mut Request) {
    // Parsing borrows the whole request; its variables, which can be large, are moved out and back.
    let variables = std::mem::take(&mut request.variables);
    let name = request.operation_name.clone();
    if let Ok(document) = request.parsed_query()
        && let Some(merged) = for_execution(types, document, name.as_deref(), &variables)
    {
        request.set_parsed_query(merged);
    }
    request.variables = variables;
}

/// Whether the request's operation selects `__schema` or `__type`.
pub(crate) fn introspect(types: &TypeIndex, request: &mut Request) -> bool {
    if !request.query.contains("__schema") && !request.query.contains("__type") {
        return false;
    }
    let variables = std::mem::take(&mut request.variables);
    let name = request.operation_name.clone();
    let fields = request.parsed_query().ok().and_then(|document| {
        let operation = &executed(&document.operations, name.as_deref())?.node;
        let mut merging = Merging::new(types, document, operation, &variables, Levels::Root);
        let mut fields = Vec::new();
        let items = operation.selection_set.node.items.clone();
        merging.collect(merging.root(), &[], items, &mut fields)?;
        Some(fields)
    });
    request.variables = variables;
    fields.unwrap_or_default().iter().any(|(_, field)| {
        let name = field.node.name.node.as_str();
        matches!(name, "__schema" | "__type")
    })
}

/// The document with the merged fields of an operation; none if it has nothing to merge.
fn for_execution(
    types: &TypeIndex,
    document: &ExecutableDocument,
    name: Option<&str>,
    variables: &Variables,
) -> Option<ExecutableDocument> {
    let operation = &executed(&document.operations, name)?.node;
    let root = &operation.selection_set.node;
    let is_query = operation.ty == OperationType::Query;
    let is_fragment = |item: &Positioned<Selection>| !matches!(item.node, Selection::Field(_));
    if (is_query || !root.items.iter().any(is_fragment)) && !repeats(document, root) {
        return None;
    }
    let merged = |levels| {
        let mut merging = Merging::new(types, document, operation, variables, levels);
        merging.selections(merging.root(), root.items.clone())
    };
    let items = merged(Levels::ByObject).or_else(|| merged(Levels::Root))?;
    replaced(document, name, items)
}

/// [`merge`] for the estimate of an operation's cost: fields under different conditions stay apart.
pub(crate) fn for_cost(
    types: &TypeIndex,
    document: &ExecutableDocument,
    name: Option<&str>,
    variables: &Variables,
) -> Option<ExecutableDocument> {
    let operation = &executed(&document.operations, name)?.node;
    let root = &operation.selection_set.node;
    if !repeats(document, root) {
        return None;
    }
    let mut merging = Merging::new(types, document, operation, variables, Levels::ByCondition);
    let items = merging.selections(merging.root(), root.items.clone())?;
    replaced(document, name, items)
}

/// The document with other root selections of an operation.
fn replaced(
    document: &ExecutableDocument,
    name: Option<&str>,
    items: Vec<Positioned<Selection>>,
) -> Option<ExecutableDocument> {
    let mut to = document.clone();
    let operation = executed_mut(&mut to.operations, name)?;
    operation.node.selection_set.node.items = items;
    Some(to)
}

/// Whether a response key occurs twice in a selection with its fragments, whatever their conditions.
fn repeats(document: &ExecutableDocument, set: &SelectionSet) -> bool {
    fn look<'d>(
        document: &'d ExecutableDocument,
        set: &'d SelectionSet,
        keys: &mut HashSet<&'d str>,
    ) -> bool {
        set.items.iter().any(|selection| match &selection.node {
            Selection::Field(field) => {
                let field = &field.node;
                let key = field.response_key().node.as_str();
                let is_known = field.name.node != "__typename" && !keys.insert(key);
                is_known || repeats(document, &field.selection_set.node)
            }
            Selection::InlineFragment(part) => look(document, &part.node.selection_set.node, keys),
            Selection::FragmentSpread(spread) => {
                let named = document.fragments.get(&spread.node.fragment_name.node);
                named.is_some_and(|named| look(document, &named.node.selection_set.node, keys))
            }
        })
    }
    look(document, set, &mut HashSet::new())
}

/// The levels that are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Levels {
    /// The root.
    Root,
    /// All, fields under the same condition.
    ByCondition,
    /// All; where conditions overlap, for each object type.
    ByObject,
}

/// Types that an object must have all of for a field to be selected, sorted; none for every object of the parent's type.
type Conditions = Vec<String>;

struct Merging<'d> {
    types: &'d TypeIndex,
    document: &'d ExecutableDocument,
    operation: &'d OperationDefinition,
    variables: &'d Variables,
    levels: Levels,
    /// Object types of each interface and union.
    objects: HashMap<String, Vec<&'d str>>,
    /// Fields that may still be collected.
    budget: usize,
}

impl<'d> Merging<'d> {
    fn new(
        types: &'d TypeIndex,
        document: &'d ExecutableDocument,
        operation: &'d OperationDefinition,
        variables: &'d Variables,
        levels: Levels,
    ) -> Self {
        Self {
            types,
            document,
            operation,
            variables,
            levels,
            objects: HashMap::new(),
            budget: MOST_FIELDS,
        }
    }

    fn root(&self) -> &'static str {
        match self.operation.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        }
    }

    /// Merges the selections of a type; none beyond the limit.
    fn selections(
        &mut self,
        parent: &str,
        items: Vec<Positioned<Selection>>,
    ) -> Option<Vec<Positioned<Selection>>> {
        let mut fields = Vec::new();
        self.collect(parent, &[], items, &mut fields)?;
        if self.levels == Levels::ByObject && self.overlap(parent, &fields) {
            return self.by_object(parent, &fields);
        }
        let mut merged: Vec<(Conditions, Vec<Positioned<Selection>>)> = Vec::new();
        for (conditions, field) in fields {
            let field = self.below(parent, &conditions, field)?;
            match merged.last_mut().filter(|(last, _)| *last == conditions) {
                Some((_, group)) => group.push(field),
                None => merged.push((conditions, vec![field])),
            }
        }
        let merged = merged.into_iter().flat_map(|(conditions, group)| {
            let nested = conditions.iter().rev();
            nested.fold(group, |group, of| vec![fragment(of, group)])
        });
        Some(merged.collect())
    }

    /// Merges the selections of a type once for each of its objects.
    fn by_object(
        &mut self,
        parent: &str,
        fields: &[(Conditions, Positioned<Field>)],
    ) -> Option<Vec<Positioned<Selection>>> {
        let mut merged = Vec::new();
        for object in self.objects(parent) {
            let mut own = Vec::new();
            let applies = |conditions: &Conditions| {
                let mut conditions = conditions.iter();
                conditions.all(|of| self.types.is_possible(object, of))
            };
            for (_, field) in fields.iter().filter(|(conditions, _)| applies(conditions)) {
                add(&mut own, Vec::new(), field.clone());
            }
            let mut items = Vec::with_capacity(own.len());
            for (_, field) in own {
                items.push(self.below(object, &[], field)?);
            }
            if !items.is_empty() {
                merged.push(fragment(object, items));
            }
        }
        Some(merged)
    }

    /// Merges the selections of a field.
    fn below(
        &mut self,
        parent: &str,
        conditions: &[String],
        mut field: Positioned<Field>,
    ) -> Option<Positioned<Selection>> {
        let name = field.node.name.node.as_str();
        let mut types = conditions.iter().map(String::as_str).chain([parent]);
        let known = types.find_map(|of| self.types.field(of, name));
        if let Some(known) = known.filter(|_| self.levels != Levels::Root) {
            let items = &mut field.node.selection_set.node.items;
            *items = self.selections(&known.of, std::mem::take(items))?;
        }
        let pos = field.pos;
        Some(Positioned::new(Selection::Field(field), pos))
    }

    /// Collects the included fields of a selection. Fields of one response key have the same name and arguments.
    fn collect(
        &mut self,
        parent: &str,
        conditions: &[String],
        items: Vec<Positioned<Selection>>,
        fields: &mut Vec<(Conditions, Positioned<Field>)>,
    ) -> Option<()> {
        for selection in items {
            let directives = match &selection.node {
                Selection::Field(field) => &field.node.directives,
                Selection::InlineFragment(part) => &part.node.directives,
                Selection::FragmentSpread(spread) => &spread.node.directives,
            };
            if !self.includes(directives) {
                continue;
            }
            let (of, items) = match selection.node {
                Selection::Field(field) => {
                    self.budget = self.budget.checked_sub(1)?;
                    add(fields, conditions.to_vec(), field);
                    continue;
                }
                Selection::InlineFragment(part) => {
                    (part.node.type_condition, part.node.selection_set.node.items)
                }
                Selection::FragmentSpread(spread) => {
                    let named = self.document.fragments.get(&spread.node.fragment_name.node);
                    let Some(named) = named.map(|named| &named.node) else {
                        continue;
                    };
                    let of = Some(named.type_condition.clone());
                    (of, named.selection_set.node.items.clone())
                }
            };
            let conditions = match of {
                None => Some(conditions.to_vec()),
                Some(of) => self.narrowed(parent, conditions, &of.node.on.node),
            };
            if let Some(conditions) = conditions {
                self.collect(parent, &conditions, items, fields)?;
            }
        }
        Some(())
    }

    /// The conditions within a fragment; none if no object has all of them.
    fn narrowed(&mut self, parent: &str, conditions: &[String], of: &str) -> Option<Conditions> {
        let objects = self.objects(parent);
        let applies = |object: &&str| {
            let mut all = conditions.iter().map(String::as_str).chain([of]);
            all.all(|of| self.types.is_possible(object, of))
        };
        let left: Vec<_> = objects.iter().copied().filter(applies).collect();
        match left[..] {
            [] => None,
            _ if left.len() == objects.len() => Some(Vec::new()),
            [only] => Some(vec![only.to_owned()]),
            _ => {
                let mut narrowed = conditions.to_vec();
                narrowed.push(of.to_owned());
                narrowed.sort_unstable();
                narrowed.dedup();
                Some(narrowed)
            }
        }
    }

    /// Whether an object has two fields of one response key.
    fn overlap(&mut self, parent: &str, fields: &[(Conditions, Positioned<Field>)]) -> bool {
        let objects = self.objects(parent);
        let mut known: HashSet<(&str, &str)> = HashSet::new();
        fields.iter().any(|(conditions, field)| {
            let mut objects = objects.iter().filter(|object| {
                let mut conditions = conditions.iter();
                conditions.all(|of| self.types.is_possible(object, of))
            });
            field.node.name.node != "__typename"
                && objects.any(|object| {
                    let key = field.node.response_key().node.as_str();
                    !known.insert((key, object))
                })
        })
    }

    /// Names of a type's objects, sorted.
    fn objects(&mut self, of: &str) -> Vec<&'d str> {
        if let Some(objects) = self.objects.get(of) {
            return objects.clone();
        }
        let objects = self.types.objects_of(of);
        self.objects.insert(of.to_owned(), objects.clone());
        objects
    }

    fn includes(&self, directives: &[Positioned<Directive>]) -> bool {
        directives.iter().all(|directive| {
            let condition = directive.node.get_argument("if");
            let is_set = condition.is_some_and(|value| self.is_true(&value.node));
            match directive.node.name.node.as_str() {
                "include" => is_set,
                "skip" => !is_set,
                _ => true,
            }
        })
    }

    fn is_true(&self, value: &Written) -> bool {
        match value {
            Written::Boolean(value) => *value,
            Written::Variable(name) => {
                let definitions = &self.operation.variable_definitions;
                let default = || {
                    let definition = definitions
                        .iter()
                        .find(|definition| definition.node.name.node == *name)?;
                    Some(&definition.node.default_value.as_ref()?.node)
                };
                self.variables.get(name).or_else(default) == Some(&Value::Boolean(true))
            }
            _ => false,
        }
    }
}

/// Adds a field, or its selections to the field of the same conditions and response key.
fn add(
    fields: &mut Vec<(Conditions, Positioned<Field>)>,
    conditions: Conditions,
    mut field: Positioned<Field>,
) {
    let key = &field.node.response_key().node;
    let mut known = fields.iter_mut();
    let known =
        known.find(|(other, known)| *other == conditions && known.node.response_key().node == *key);
    if let Some((_, known)) = known {
        let more = std::mem::take(&mut field.node.selection_set.node.items);
        known.node.selection_set.node.items.extend(more);
    } else {
        field.node.directives.clear();
        fields.push((conditions, field));
    }
}

/// A fragment on a type.
fn fragment(of: &str, items: Vec<Positioned<Selection>>) -> Positioned<Selection> {
    let pos = items.first().map(|item| item.pos).unwrap_or_default();
    let at = |of| Positioned::new(of, pos);
    let fragment = InlineFragment {
        type_condition: Some(at(TypeCondition {
            on: Positioned::new(Name::new(of), pos),
        })),
        directives: Vec::new(),
        selection_set: Positioned::new(SelectionSet { items }, pos),
    };
    Positioned::new(
        Selection::InlineFragment(Positioned::new(fragment, pos)),
        pos,
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::Engine as _;

    /// Response keys of the root, each with the fields below it.
    fn fields(query: &str) -> Vec<String> {
        let variables = Variables::from_json(json!({"yes": true, "no": false}));
        let mut request = Request::new(query).variables(variables);
        merge(crate::schema().types(), &mut request);
        let document = request.parsed_query().expect("a document");
        let (_, operation) = document.operations.iter().next().expect("an operation");
        let name = |selection: &Positioned<Selection>| match &selection.node {
            Selection::Field(field) => {
                let below = field.node.selection_set.node.items.iter();
                let below = below.map(|below| match &below.node {
                    Selection::Field(below) => below.node.name.node.to_string(),
                    other => format!("{other:?}"),
                });
                let below: Vec<_> = below.collect();
                format!("{}:{}", field.node.response_key().node, below.join(","))
            }
            other => format!("{other:?}"),
        };
        let items = &operation.node.selection_set.node.items;
        items.iter().map(name).collect()
    }

    #[test]
    fn merges_equal_fields_and_fragments() {
        for (query, merged) in [
            ("mutation { a: m { x } b: m { y } a: m { z } }", vec!["a:x,z", "b:y"]),
            (
                "subscription { ...F ... { m { y } } } fragment F on Subscription { m { x } }",
                vec!["m:x,y"],
            ),
            (
                "mutation ($yes: Boolean!, $no: Boolean!, $d: Boolean = true) { m @skip(if: $yes) { x } m @include(if: $yes) { y }
                   ... @include(if: $no) { m { z } } ...F @skip(if: $d) } fragment F on Mutation { n { x } }",
                vec!["m:y"],
            ),
            ("mutation { m { x } }", vec!["m:x"]),
            // The name of the only operation is not sent.
            ("mutation M { m { x } m { y } }", vec!["m:x,y"]),
        ] {
            assert_eq!(fields(query), merged, "{query}");
        }
    }

    /// A selection in short: keys, and fragments as `Type{…}`.
    fn written(set: &SelectionSet) -> String {
        let items = set.items.iter().map(|item| match &item.node {
            Selection::Field(field) => {
                let inner = written(&field.node.selection_set.node);
                let inner = if inner.is_empty() {
                    inner
                } else {
                    format!("{{{inner}}}")
                };
                format!("{}{inner}", field.node.response_key().node)
            }
            Selection::InlineFragment(part) => {
                let of = part.node.type_condition.as_ref();
                let of = of.map_or("", |of| of.node.on.node.as_str());
                format!("{of}({})", written(&part.node.selection_set.node))
            }
            Selection::FragmentSpread(spread) => format!("...{}", spread.node.fragment_name.node),
        });
        items.collect::<Vec<_>>().join(" ")
    }

    fn merged(query: &str) -> String {
        let variables = Variables::from_json(json!({"yes": true}));
        let mut request = Request::new(query).variables(variables);
        merge(crate::schema().types(), &mut request);
        let document = request.parsed_query().expect("a document");
        let (_, operation) = document.operations.iter().next().expect("an operation");
        written(&operation.node.selection_set.node)
    }

    #[test]
    fn merges_at_every_level() {
        for (query, text) in [
            // Nothing to merge: fragments stay.
            ("{ ...F } fragment F on Query { viewer { id } }", "...F"),
            ("{ viewer { __typename ... on Viewer { __typename id } } }", "viewer{__typename Viewer(__typename id)}"),
            ("{ a: viewer { id } b: viewer { id } a: viewer { roles } }", "a{id roles} b{id}"),
            (
                "query ($yes: Boolean!) { viewer { miner { uuid circle { uuid } } ...F ... on Node { id } } }
                 fragment F on Viewer { miner { role @skip(if: $yes) circle { name ... { status } } } }",
                "viewer{miner{uuid circle{uuid name status}} id}",
            ),
            // Fragments that apply to the same objects.
            (
                r#"{ node(id: "x") { ... on Miner { circle { id } } ... on Node { ... on Miner { circle { name } } } ... on Viewer { circle { id } } } }"#,
                "node{Miner(circle{id name}) Viewer(circle{id})}",
            ),
            // A field of the interface and of one object.
            (
                "subscription { minerUpdated { miner { id } ... on PointsUpdated { totalMinedPoints miner { role } } } }",
                "minerUpdated{CircleInvitationReceived(miner{id}) MinerRoleChanged(miner{id}) MinerStatusChanged(miner{id}) \
                 MiningSessionCompleted(miner{id}) MiningSessionExpired(miner{id}) MiningSessionStarted(miner{id}) \
                 PointsUpdated(miner{id role} totalMinedPoints) ReferralActivated(miner{id}) ReferralDeactivated(miner{id}) \
                 StreakBroken(miner{id}) StreakMilestoneReached(miner{id}) StreakRecovered(miner{id})}",
            ),
        ] {
            assert_eq!(merged(query), text, "{query}");
        }
    }

    #[test]
    fn merges_the_root_of_documents_that_would_grow_too_large() {
        let fields = (0..200).map(|number| format!("f{number}: id"));
        let fields = fields.collect::<Vec<_>>().join(" ");
        let query = format!(
            "mutation {{ m: circleLeave(input: {{}}) {{ userErrors {{ message }} }} m: circleLeave(input: {{}}) {{ ...F }} }}
             fragment F on CircleLeavePayload {{ miner {{ {} }} }}",
            "... on Node { ...G } ".repeat(200)
        ) + &format!("fragment G on Node {{ {fields} }}");
        assert_eq!(merged(&query), "m{userErrors{message} ...F}");
    }
}
