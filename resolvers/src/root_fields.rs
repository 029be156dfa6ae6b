//! Root fields, one per response key in mutations and subscriptions.
//!
//! The engine executes a root field once for each time that it is selected, and skips fragments at the root of a
//! subscription. The specification merges the selections of equal fields, also through fragments.

use std::collections::HashSet;

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationDefinition, OperationType, Selection,
    SelectionSet,
};
use async_graphql::{Positioned, Request, Value, Variables};
use async_graphql_value::Value as Written;

use crate::operation::{executed, executed_mut};

/// Merges the root fields of the request's operation, whose document is valid.
pub(crate) fn merge(request: &mut Request) {
    // Parsing borrows the whole request; its variables, which can be large, are moved out and back.
    let variables = std::mem::take(&mut request.variables);
    let name = request.operation_name.clone();
    if let Ok(document) = request.parsed_query()
        && let Some(merged) = merged(document, name.as_deref(), &variables)
    {
        request.set_parsed_query(merged);
    }
    request.variables = variables;
}

/// Whether the request's operation selects `__schema` or `__type`.
pub(crate) fn introspect(request: &mut Request) -> bool {
    if !request.query.contains("__schema") && !request.query.contains("__type") {
        return false;
    }
    let variables = std::mem::take(&mut request.variables);
    let name = request.operation_name.clone();
    let fields = request.parsed_query().ok().and_then(|document| {
        let operation = &executed(&document.operations, name.as_deref())?.node;
        let reading = Reading {
            document,
            operation,
            variables: &variables,
        };
        let mut fields = Vec::new();
        reading.collect(&operation.selection_set.node, &mut fields);
        Some(fields)
    });
    request.variables = variables;
    fields.unwrap_or_default().iter().any(|field| {
        let name = field.node.name.node.as_str();
        matches!(name, "__schema" | "__type")
    })
}

/// The document with merged root fields; none if it has nothing to merge.
fn merged(
    document: &ExecutableDocument,
    name: Option<&str>,
    variables: &Variables,
) -> Option<ExecutableDocument> {
    let operation = &executed(&document.operations, name)?.node;
    let root = &operation.selection_set.node;
    if operation.ty == OperationType::Query || !needs_merging(root) {
        return None;
    }
    let mut fields = Vec::new();
    let reading = Reading {
        document,
        operation,
        variables,
    };
    reading.collect(root, &mut fields);
    let mut to = document.clone();
    let operation = executed_mut(&mut to.operations, name)?;
    operation.node.selection_set.node.items = fields
        .into_iter()
        .map(|field| Positioned::new(Selection::Field(field.clone()), field.pos))
        .collect();
    Some(to)
}

fn needs_merging(root: &SelectionSet) -> bool {
    let mut keys = HashSet::new();
    root.items.iter().any(|selection| match &selection.node {
        Selection::Field(field) => !keys.insert(&field.node.response_key().node),
        Selection::FragmentSpread(_) | Selection::InlineFragment(_) => true,
    })
}

struct Reading<'d> {
    document: &'d ExecutableDocument,
    operation: &'d OperationDefinition,
    variables: &'d Variables,
}

impl Reading<'_> {
    /// Collects the included fields of a root selection. Fields of one response key have the same name and arguments.
    fn collect(&self, selections: &SelectionSet, fields: &mut Vec<Positioned<Field>>) {
        for selection in &selections.items {
            match &selection.node {
                Selection::Field(field) if self.includes(&field.node.directives) => {
                    let key = &field.node.response_key().node;
                    let known = fields
                        .iter_mut()
                        .find(|known| known.node.response_key().node == *key);
                    if let Some(known) = known {
                        let more = field.node.selection_set.node.items.iter().cloned();
                        known.node.selection_set.node.items.extend(more);
                    } else {
                        let mut field = field.clone();
                        field.node.directives.clear();
                        fields.push(field);
                    }
                }
                Selection::InlineFragment(fragment) if self.includes(&fragment.node.directives) => {
                    self.collect(&fragment.node.selection_set.node, fields);
                }
                Selection::FragmentSpread(spread) if self.includes(&spread.node.directives) => {
                    let fragment = self.document.fragments.get(&spread.node.fragment_name.node);
                    if let Some(fragment) = fragment {
                        self.collect(&fragment.node.selection_set.node, fields);
                    }
                }
                _ => {}
            }
        }
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Response keys of the root, each with the fields below it.
    fn fields(query: &str) -> Vec<String> {
        let variables = Variables::from_json(json!({"yes": true, "no": false}));
        let mut request = Request::new(query).variables(variables);
        merge(&mut request);
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
}
