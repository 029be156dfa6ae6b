//! Literals of custom scalars: the library lets any literal stand for one.

use apollo_compiler::ast::{Type, Value};
use apollo_compiler::executable::{Selection, SelectionSet};
use apollo_compiler::parser::{LineColumn, SourceMap};
use apollo_compiler::schema::ExtendedType;
use apollo_compiler::{ExecutableDocument, Node, Schema};
use async_graphql::{Name, Number, Value as Literal};

use crate::variables::check_scalar;

/// The literals of a document that the grammars of their scalars refuse, as messages with positions.
pub(super) fn misfits(
    schema: &Schema,
    document: &ExecutableDocument,
) -> Vec<(String, Option<LineColumn>)> {
    let mut search = Search {
        schema,
        sources: &document.sources,
        found: Vec::new(),
    };
    for operation in document.operations.iter() {
        for variable in &operation.variables {
            if let Some(default) = &variable.default_value {
                let subject = format!("the default of the variable ${}", variable.name);
                search.value(default, &variable.ty, &subject);
            }
        }
        search.selections(&operation.selection_set);
    }
    for fragment in document.fragments.values() {
        search.selections(&fragment.selection_set);
    }
    search.found
}

struct Search<'d> {
    schema: &'d Schema,
    sources: &'d SourceMap,
    found: Vec<(String, Option<LineColumn>)>,
}

impl Search<'_> {
    fn selections(&mut self, selections: &SelectionSet) {
        for selection in &selections.selections {
            match selection {
                Selection::Field(field) => {
                    for argument in &field.arguments {
                        if let Some(input) = field.definition.argument_by_name(&argument.name) {
                            let subject = format!("the argument {}", argument.name);
                            self.value(&argument.value, &input.ty, &subject);
                        }
                    }
                    if let Some(below) = &field.selection_set {
                        self.selections(below);
                    }
                }
                Selection::InlineFragment(fragment) => self.selections(&fragment.selection_set),
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    /// Checks the scalars in a value. Its shape has been validated, and variables are checked by their own types.
    fn value(&mut self, value: &Node<Value>, of: &Type, subject: &str) {
        match &**value {
            Value::Variable(_) | Value::Null => {}
            Value::List(items) if of.is_list() => {
                for (index, item) in items.iter().enumerate() {
                    self.value(item, of.item_type(), &format!("{subject}.{index}"));
                }
            }
            literal => match self.schema.types.get(of.inner_named_type()) {
                Some(ExtendedType::InputObject(object)) => {
                    for (name, value) in literal.as_object().unwrap_or_default() {
                        if let Some(field) = object.fields.get(name) {
                            self.value(value, &field.ty, &format!("{subject}.{name}"));
                        }
                    }
                }
                Some(ExtendedType::Scalar(scalar)) if !scalar.is_built_in() => {
                    if let Err(problem) = check_scalar(&literal_of(literal), &scalar.name) {
                        let at = value.location();
                        let at = at.and_then(|at| at.line_column(self.sources));
                        self.found.push((format!("{subject} {problem}"), at));
                    }
                }
                _ => {}
            },
        }
    }
}

/// A literal as the scalars read it.
fn literal_of(value: &Value) -> Literal {
    match value {
        Value::Null | Value::Variable(_) => Literal::Null,
        Value::Enum(name) => Literal::Enum(Name::new(name)),
        Value::String(text) => Literal::String(text.clone()),
        Value::Boolean(value) => (*value).into(),
        Value::Int(number) => number_of(number.as_str()),
        Value::Float(number) => number_of(number.as_str()),
        Value::List(items) => Literal::List(items.iter().map(|item| literal_of(item)).collect()),
        Value::Object(fields) => {
            let fields = fields.iter();
            let fields = fields.map(|(name, value)| (Name::new(name), literal_of(value)));
            Literal::Object(fields.collect())
        }
    }
}

fn number_of(text: &str) -> Literal {
    text.parse::<Number>()
        .map_or(Literal::Null, Literal::Number)
}
