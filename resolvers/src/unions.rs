//! Fragments on unions, rewritten as fragments on their members.
//!
//! The engine compares the type of a fragment with the object and its interfaces only, and skips a fragment on a union.

use std::collections::HashSet;

use async_graphql::parser::types::{
    ExecutableDocument, InlineFragment, OperationDefinition, OperationType, Selection,
    SelectionSet, TypeCondition,
};
use async_graphql::{Name, Positioned, Request};

use crate::operation::executed_mut;
use crate::type_index::TypeIndex;

/// Most selections of a rewritten document.
const MOST_SELECTIONS: usize = 20_000;
/// Most fragments in each other.
const MOST_NESTED: usize = 50;

/// Rewrites the fragments that the request's operation uses and whose type is a union. A document that is invalid, or
/// would become too large, stays as it is.
pub(crate) fn rewrite(types: &TypeIndex, request: &mut Request) {
    let is_named = |union: &String| request.query.contains(union.as_str());
    if !types.unions.keys().any(is_named) {
        return;
    }
    let name = request.operation_name.clone();
    let Ok(document) = request.parsed_query() else {
        return;
    };
    if let Some(rewritten) = rewritten(types, document, name.as_deref()) {
        request.set_parsed_query(rewritten);
    }
}

fn rewritten(
    types: &TypeIndex,
    document: &ExecutableDocument,
    name: Option<&str>,
) -> Option<ExecutableDocument> {
    let mut to = document.clone();
    let mut rewriting = Rewriting {
        types,
        document,
        open: Vec::new(),
        budget: MOST_SELECTIONS,
    };
    let operation = executed_mut(&mut to.operations, name)?;
    let root = match operation.node.ty {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    };
    let within = used(document, [&operation.node]);
    rewriting.selections(root, false, &mut operation.node.selection_set.node)?;
    for (name, fragment) in &mut to.fragments {
        let of = type_of(&fragment.node.type_condition).to_owned();
        // The operation has copies of those on unions.
        if within.contains(name) && !types.unions.contains_key(&of) {
            rewriting.selections(&of, false, &mut fragment.node.selection_set.node)?;
        }
    }
    // Fragments that are not used any more would be errors.
    let after = used(&to, all(&to));
    to.fragments
        .retain(|name, _| after.contains(name) || !within.contains(name));
    Some(to)
}

fn all(document: &ExecutableDocument) -> impl Iterator<Item = &OperationDefinition> {
    let operations = document.operations.iter();
    operations.map(|(_, operation)| &operation.node)
}

fn type_of(condition: &Positioned<TypeCondition>) -> &str {
    condition.node.on.node.as_str()
}

/// Names of the fragments that operations use.
fn used<'a>(
    document: &'a ExecutableDocument,
    operations: impl IntoIterator<Item = &'a OperationDefinition>,
) -> HashSet<Name> {
    let mut names = HashSet::new();
    let sets = operations.into_iter();
    let mut open: Vec<_> = sets
        .map(|operation| &operation.selection_set.node)
        .collect();
    while let Some(set) = open.pop() {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => open.push(&field.node.selection_set.node),
                Selection::InlineFragment(part) => open.push(&part.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let named = document.fragments.get(name);
                    if let Some(named) = named.filter(|_| names.insert(name.clone())) {
                        open.push(&named.node.selection_set.node);
                    }
                }
            }
        }
    }
    names
}

struct Rewriting<'a> {
    types: &'a TypeIndex,
    document: &'a ExecutableDocument,
    /// Fragments that are being written.
    open: Vec<Name>,
    /// Selections that may still be written.
    budget: usize,
}

impl Rewriting<'_> {
    /// Rewrites the selections of a type. Those of a union's member lose fragments of other members. Returns `None` for
    /// a fragment that contains itself, and beyond the limits.
    fn selections(&mut self, parent: &str, is_member: bool, set: &mut SelectionSet) -> Option<()> {
        for selection in std::mem::take(&mut set.items) {
            let at = selection.pos;
            self.budget = self.budget.checked_sub(1)?;
            match selection.node {
                Selection::Field(mut field) => {
                    if let Some(of) = self.types.field(parent, field.node.name.node.as_str()) {
                        self.selections(&of.of, false, &mut field.node.selection_set.node)?;
                    }
                    let field = Selection::Field(field);
                    set.items.push(Positioned::new(field, at));
                }
                Selection::InlineFragment(fragment) => {
                    self.fragment(parent, is_member, fragment, set)?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.clone();
                    let named = self.document.fragments.get(&name);
                    let of = named.map(|named| type_of(&named.node.type_condition));
                    match named.filter(|_| of.is_some_and(|of| self.types.unions.contains_key(of)))
                    {
                        Some(_) if self.open.contains(&name) || self.open.len() == MOST_NESTED => {
                            return None;
                        }
                        Some(named) => {
                            let inline = InlineFragment {
                                type_condition: Some(named.node.type_condition.clone()),
                                directives: spread.node.directives,
                                selection_set: named.node.selection_set.clone(),
                            };
                            self.open.push(name);
                            let inline = Positioned::new(inline, at);
                            self.fragment(parent, is_member, inline, set)?;
                            self.open.pop();
                        }
                        None if is_member
                            && of.is_some_and(|of| !self.types.is_possible(parent, of)) => {}
                        None => {
                            let spread = Selection::FragmentSpread(spread);
                            set.items.push(Positioned::new(spread, at));
                        }
                    }
                }
            }
        }
        Some(())
    }

    /// Adds a fragment; one on a union as a fragment on each member that the parent can be.
    fn fragment(
        &mut self,
        parent: &str,
        is_member: bool,
        mut fragment: Positioned<InlineFragment>,
        set: &mut SelectionSet,
    ) -> Option<()> {
        let at = fragment.pos;
        let condition = fragment.node.type_condition.clone();
        let of = condition.as_ref().map_or(parent, type_of);
        let union = self.types.unions.get(of).filter(|_| condition.is_some());
        let members: Vec<_> = union
            .into_iter()
            .flatten()
            .filter(|member| self.types.is_possible(member, parent))
            .collect();
        for member in &members {
            let mut part = fragment.clone();
            if let Some(condition) = &mut part.node.type_condition {
                condition.node.on.node = Name::new(member);
            }
            self.selections(member, true, &mut part.node.selection_set.node)?;
            let part = Selection::InlineFragment(part);
            set.items.push(Positioned::new(part, at));
        }
        let applies = !is_member || self.types.is_possible(parent, of);
        if members.is_empty() && applies {
            let within = if is_member { parent } else { of };
            self.selections(within, is_member, &mut fragment.node.selection_set.node)?;
            let fragment = Selection::InlineFragment(fragment);
            set.items.push(Positioned::new(fragment, at));
        }
        Some(())
    }
}
