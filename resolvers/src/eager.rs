//! Objects whose selected fields are all loaded, written without a future for each field.
//!
//! The engine boxes a future for every field of every object, which is most of the cost of a long list. Where all selected
//! fields are in the object, [`Eager`] writes it at once; otherwise the engine resolves the whole object. Both ways give
//! the same answer, and a test compares them.

use std::sync::Arc;

use crate::delegation::output_like;
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::resolver_utils::resolve_list;
use async_graphql::{
    ContextSelectionSet, InputType, Name, OutputType, Positioned, ServerResult, Value,
};
use parking_lot::Mutex;

/// An object that has some of its fields loaded.
pub(crate) trait Eager: OutputType {
    /// Whether the type is an object type; interfaces and unions are left to the engine.
    const IS_CONCRETE: bool = true;

    /// The value of a field, if it was loaded with the object. `selected` are the selections of a field that is an object
    /// or a list of objects.
    fn field(&self, name: &str, selected: &Selected<'_>) -> Option<Value>;
}

/// Whatever can be a field of an [`Eager`] object.
pub(crate) trait EagerField {
    /// The value with these selections, if all of it is loaded.
    fn value(&self, selected: &Selected<'_>) -> Option<Value>;
}

impl<T: InputType> EagerField for T {
    fn value(&self, _: &Selected<'_>) -> Option<Value> {
        Some(self.to_value())
    }
}

impl<T: Eager> EagerField for ReadyList<T> {
    fn value(&self, selected: &Selected<'_>) -> Option<Value> {
        selected.of_all(&self.0)
    }
}

impl<T: Eager> EagerField for ReadyOption<T> {
    fn value(&self, selected: &Selected<'_>) -> Option<Value> {
        match &self.0 {
            Some(object) => selected.of(object),
            None => Some(Value::Null),
        }
    }
}

impl<T: Eager> Eager for &T {
    const IS_CONCRETE: bool = T::IS_CONCRETE;

    fn field(&self, name: &str, selected: &Selected<'_>) -> Option<Value> {
        T::field(self, name, selected)
    }
}

impl<T: Eager> Eager for Arc<T> {
    const IS_CONCRETE: bool = T::IS_CONCRETE;

    fn field(&self, name: &str, selected: &Selected<'_>) -> Option<Value> {
        T::field(self, name, selected)
    }
}

/// Whether a field of the schema is this field of a struct.
pub(crate) fn is_camel_case(camel: &str, snake: &str) -> bool {
    let mut camel = camel.bytes();
    let mut is_start = false;
    for byte in snake.bytes() {
        if byte == b'_' {
            is_start = true;
            continue;
        }
        let expected = if is_start {
            byte.to_ascii_uppercase()
        } else {
            byte
        };
        is_start = false;
        if camel.next() != Some(expected) {
            return false;
        }
    }
    camel.next().is_none()
}

/// The last value of an object that occurs several times in a response, with its selections: a copy takes a fraction of
/// the time. Objects and selections live for one operation.
#[derive(Debug, Default)]
pub(crate) struct Cached(Mutex<Option<(usize, Value)>>);

/// The selections of an object.
pub(crate) struct Selected<'a> {
    context: &'a ContextSelectionSet<'a>,
    selections: &'a SelectionSet,
}

impl<'a> Selected<'a> {
    fn at(context: &'a ContextSelectionSet<'a>) -> Self {
        Self {
            context,
            selections: &context.item.node,
        }
    }

    fn inside(&self, selections: &'a SelectionSet) -> Self {
        Self {
            selections,
            ..*self
        }
    }

    /// The selected fields, if the object has all of them.
    pub fn of<T: Eager>(&self, object: &T) -> Option<Value> {
        if !T::IS_CONCRETE {
            return None;
        }
        let mut fields = IndexMap::with_capacity(self.selections.items.len());
        self.collect(object, &mut fields)?;
        Some(Value::Object(fields))
    }

    /// The selected fields of an object that occurs several times in a response.
    pub fn of_shared<T: Eager>(&self, object: &T, cached: &Cached) -> Option<Value> {
        let place = std::ptr::from_ref(self.selections).addr();
        if let Some((_, value)) = cached
            .0
            .lock()
            .as_ref()
            .filter(|(known, _)| *known == place)
        {
            return Some(value.clone());
        }
        let value = self.of(object)?;
        *cached.0.lock() = Some((place, value.clone()));
        Some(value)
    }

    /// The selected fields of all objects of a list.
    pub fn of_all<'b, T: Eager + 'b>(
        &self,
        objects: impl IntoIterator<Item = &'b T>,
    ) -> Option<Value> {
        let objects: Option<Vec<_>> = objects.into_iter().map(|object| self.of(object)).collect();
        objects.map(Value::List)
    }

    fn collect<T: Eager>(&self, object: &T, fields: &mut IndexMap<Name, Value>) -> Option<()> {
        for selection in &self.selections.items {
            // The engine has removed `@skip` and `@include`.
            if !selection.node.directives().is_empty() {
                return None;
            }
            match &selection.node {
                Selection::Field(field) => self.field(object, &field.node, fields)?,
                Selection::FragmentSpread(spread) => {
                    let fragments = &self.context.query_env.fragments;
                    let fragment = &fragments.get(&spread.node.fragment_name.node)?.node;
                    let of = fragment.type_condition.node.on.node.as_str();
                    self.fragment(object, Some(of), &fragment.selection_set.node, fields)?;
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let of = condition.map(|condition| condition.node.on.node.as_str());
                    self.fragment(object, of, &fragment.node.selection_set.node, fields)?;
                }
            }
        }
        Some(())
    }

    fn field<T: Eager>(
        &self,
        object: &T,
        field: &Field,
        fields: &mut IndexMap<Name, Value>,
    ) -> Option<()> {
        let key = &field.response_key().node;
        let name = field.name.node.as_str();
        let is_leaf = field.selection_set.node.items.is_empty();
        if fields.contains_key(key) {
            // The same value again; objects would have to be merged.
            return is_leaf.then_some(());
        }
        if !field.arguments.is_empty() {
            return None;
        }
        let value = if name == "__typename" {
            Value::String(T::type_name().into_owned())
        } else {
            object.field(name, &self.inside(&field.selection_set.node))?
        };
        fields.insert(key.clone(), value);
        Some(())
    }

    fn fragment<T: Eager>(
        &self,
        object: &T,
        of: Option<&str>,
        selections: &SelectionSet,
        fields: &mut IndexMap<Name, Value>,
    ) -> Option<()> {
        let own = T::type_name();
        let is_interface = |of: &str| {
            let interfaces = self.context.schema_env.registry.implements.get(&*own);
            interfaces.is_some_and(|interfaces| interfaces.contains(of))
        };
        if of.is_some_and(|of| of != own && !is_interface(of)) {
            return Some(());
        }
        self.inside(selections).collect(object, fields)
    }
}

/// An object that is written at once where possible.
#[derive(Clone, Copy, Debug)]
pub struct Ready<T>(pub T);

impl<T: Eager> OutputType for Ready<T> {
    output_like!(T);

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        match Selected::at(context).of(&self.0) {
            Some(value) => Ok(value),
            None => self.0.resolve(context, field).await,
        }
    }
}

/// A list of objects that are written at once where possible.
#[derive(Clone, Debug)]
pub struct ReadyList<T>(pub Vec<T>);

impl<T: Eager> OutputType for ReadyList<T> {
    output_like!(Vec<T>);

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        match Selected::at(context).of_all(&self.0) {
            Some(values) => Ok(values),
            None => resolve_list(context, field, &self.0, Some(self.0.len())).await,
        }
    }
}

/// An object that is written at once where possible, or null.
#[derive(Clone, Debug)]
pub struct ReadyOption<T>(pub Option<T>);

impl<T: Eager> OutputType for ReadyOption<T> {
    output_like!(Option<T>);

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        match self.value(&Selected::at(context)) {
            Some(value) => Ok(value),
            None => self.0.resolve(context, field).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_names_across_cases() {
        for (camel, snake) in [("id", "id"), ("totalMinedPoints", "total_mined_points")] {
            assert!(is_camel_case(camel, snake), "{camel}");
        }
        for (camel, snake) in [
            ("total", "total_mined_points"),
            ("totalMinedPoints", "total"),
            ("total_mined", "total_mined"),
            ("Id", "id"),
            ("", "id"),
        ] {
            assert!(!is_camel_case(camel, snake), "{camel}");
        }
    }
}
