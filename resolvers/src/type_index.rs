//! Index of the schema's types, fields and arguments, for checks before execution. It is read from the SDL.

use std::collections::{HashMap, HashSet};

use async_graphql::Value;
use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputValueDefinition, Type, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Name, Positioned};

/// The types of introspection, which no SDL declares.
const INTROSPECTION: &str = "
    type __Schema { types: [__Type] queryType: __Type mutationType: __Type subscriptionType: __Type directives: [__Directive] }
    type __Type { fields: [__Field] interfaces: [__Type] possibleTypes: [__Type] enumValues: [__EnumValue] inputFields: [__InputValue] ofType: __Type }
    type __Field { args: [__InputValue] type: __Type }
    type __InputValue { type: __Type }
    type __EnumValue { name: String }
    type __Directive { args: [__InputValue] }
";

/// Types by name.
#[derive(Debug, Default)]
pub struct TypeIndex {
    /// Values of enums.
    pub(crate) enums: HashMap<String, HashSet<String>>,
    /// Input objects.
    pub(crate) inputs: HashMap<String, InputObject>,
    /// Objects and interfaces, with their fields.
    objects: HashMap<String, HashMap<String, Field>>,
    /// Interfaces of each object.
    implemented: HashMap<String, HashSet<String>>,
    /// Members of each union.
    pub(crate) unions: HashMap<String, HashSet<String>>,
}

/// An input object.
#[derive(Debug, Default)]
pub(crate) struct InputObject {
    /// Whether exactly one of its fields must be given.
    pub is_one_of: bool,
    /// Its fields.
    pub fields: HashMap<String, Input>,
}

/// An argument, or a field of an input object.
#[derive(Debug)]
pub(crate) struct Input {
    /// Its type.
    pub of: Type,
    /// Default value.
    pub default: Option<Value>,
}

/// A field of an object or an interface.
#[derive(Debug)]
pub(crate) struct Field {
    /// The name of its type, without lists and exclamation marks.
    pub of: String,
    /// Whether its type is a list.
    pub is_list: bool,
    /// Arguments.
    pub arguments: HashMap<String, Input>,
}

impl TypeIndex {
    /// Reads the types of a schema from its SDL.
    pub(crate) fn of(sdl: &str) -> Self {
        let mut types = Self::default();
        types.read(sdl);
        types.read(INTROSPECTION);
        for (name, of) in [("__schema", "__Schema"), ("__type", "__Type")] {
            if let Some(query) = types.objects.get_mut("Query") {
                let field = Field {
                    of: of.to_owned(),
                    is_list: false,
                    arguments: HashMap::new(),
                };
                query.insert(name.to_owned(), field);
            }
        }
        types
    }

    /// Names of an object's fields.
    pub fn fields(&self, object: &str) -> impl Iterator<Item = &str> {
        let fields = self.objects.get(object).into_iter().flatten();
        fields.map(|(name, _)| name.as_str())
    }

    /// A field of an object or an interface; none for a field that validation rejects.
    pub(crate) fn field(&self, object: &str, field: &str) -> Option<&Field> {
        self.objects.get(object)?.get(field)
    }

    /// Whether an object can stand where a type is expected: the object, its interface, or its union.
    pub(crate) fn is_possible(&self, object: &str, of: &str) -> bool {
        let belongs = |groups: &HashMap<String, HashSet<String>>, group, member| {
            groups
                .get(group)
                .is_some_and(|group| group.contains(member))
        };
        object == of || belongs(&self.implemented, object, of) || belongs(&self.unions, of, object)
    }

    /// Names of the objects that can stand where a type is expected, sorted.
    pub(crate) fn objects_of(&self, of: &str) -> Vec<&str> {
        let objects = self.implemented.keys().map(String::as_str);
        let mut objects: Vec<_> = objects
            .filter(|object| self.is_possible(object, of))
            .collect();
        objects.sort_unstable();
        objects
    }

    /// Whether a type has fields.
    pub(crate) fn is_composite(&self, name: &str) -> bool {
        self.objects.contains_key(name) || self.unions.contains_key(name)
    }

    fn read(&mut self, sdl: &str) {
        let Ok(document) = parse_schema(sdl) else {
            unreachable!("the schema's own text is GraphQL");
        };
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else {
                continue;
            };
            let definition = definition.node;
            let name = definition.name.node.to_string();
            match definition.kind {
                TypeKind::Enum(of) => {
                    let values = of.values.into_iter();
                    let values = values.map(|value| value.node.value.node.to_string());
                    self.enums.insert(name, values.collect());
                }
                TypeKind::InputObject(of) => {
                    let mut directives = definition.directives.iter();
                    let object = InputObject {
                        is_one_of: directives.any(|directive| directive.node.name.node == "oneOf"),
                        fields: inputs(of.fields),
                    };
                    self.inputs.insert(name, object);
                }
                TypeKind::Object(of) => {
                    self.implemented.insert(name.clone(), names(of.implements));
                    self.objects.insert(name, fields(of.fields));
                }
                TypeKind::Interface(of) => {
                    self.objects.insert(name, fields(of.fields));
                }
                TypeKind::Union(of) => {
                    self.unions.insert(name, names(of.members));
                }
                TypeKind::Scalar => {}
            }
        }
    }
}

fn names(names: Vec<Positioned<Name>>) -> HashSet<String> {
    names
        .into_iter()
        .map(|name| name.node.to_string())
        .collect()
}

fn inputs(definitions: Vec<Positioned<InputValueDefinition>>) -> HashMap<String, Input> {
    let inputs = definitions.into_iter().map(|definition| {
        let definition = definition.node;
        let input = Input {
            of: definition.ty.node,
            default: definition.default_value.map(|value| value.node),
        };
        (definition.name.node.to_string(), input)
    });
    inputs.collect()
}

fn fields(definitions: Vec<Positioned<FieldDefinition>>) -> HashMap<String, Field> {
    let fields = definitions.into_iter().map(|definition| {
        let definition = definition.node;
        let of = &definition.ty.node.base;
        let field = Field {
            of: innermost(of).to_string(),
            is_list: matches!(of, BaseType::List(_)),
            arguments: inputs(definition.arguments),
        };
        (definition.name.node.to_string(), field)
    });
    fields.collect()
}

fn innermost(of: &BaseType) -> &Name {
    match of {
        BaseType::Named(name) => name,
        BaseType::List(item) => innermost(&item.base),
    }
}
