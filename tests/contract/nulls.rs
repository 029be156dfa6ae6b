//! Null for a variable with a default: the position it is used at is not nullable, so it is an error of that field alone.

use std::collections::HashMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, FieldDefinition, InputObjectType, InputValueDefinition, Type, TypeDefinition,
    TypeKind, TypeSystemDefinition,
};
use domain::access::Role;
use serde_json::{Value, json};

use crate::support::test;

/// Inputs that contain themselves are followed so far.
const DEPTH: usize = 4;

/// Selections that lead to an object of a type; `%` stands for its fields.
const PATHS: [(&str, &str, &str); 5] = [
    ("Query", "%", ""),
    ("Viewer", "viewer { % }", "/viewer"),
    (
        "SystemConfiguration",
        "systemConfiguration { % }",
        "/systemConfiguration",
    ),
    (
        "Wallet",
        "viewer { wallet(currency: \"MP\") { % } }",
        "/viewer/wallet",
    ),
    (
        "Campaign",
        "campaigns(first: 1) { nodes { % } }",
        "/campaigns/nodes/0",
    ),
];

/// The types of the schema.
struct Types(HashMap<String, TypeDefinition>);

/// A place for a variable: an argument's text with `$v`, and the variable's nullable type.
type Site = (String, Type);

impl Types {
    fn read() -> Self {
        let sdl = include_str!("../../schema.graphql");
        // The parser reads no description of the schema itself, which is the last definition.
        let (types, _) = sdl.rsplit_once("\n\"\"\"\nGraphQL API of").unwrap();
        let document = parse_schema(types).unwrap();
        let definitions = document
            .definitions
            .into_iter()
            .filter_map(|one| match one {
                TypeSystemDefinition::Type(of) => Some((of.node.name.node.to_string(), of.node)),
                _ => None,
            });
        Self(definitions.collect())
    }

    fn input(&self, name: &str) -> Option<(&InputObjectType, bool)> {
        let of = self.0.get(name)?;
        let is_one_of = of
            .directives
            .iter()
            .any(|one| one.node.name.node == "oneOf");
        match &of.kind {
            TypeKind::InputObject(input) => Some((input, is_one_of)),
            _ => None,
        }
    }

    /// A value of a type.
    fn sample(&self, of: &Type) -> String {
        let name = match &of.base {
            BaseType::List(_) => return "[]".to_owned(),
            BaseType::Named(name) => name.as_str(),
        };
        if let Some((input, is_one_of)) = self.input(name) {
            let fields: Vec<_> = input.fields.iter().map(|field| &field.node).collect();
            let given = if is_one_of {
                fields[..1].to_vec()
            } else {
                required(&fields)
            };
            return self.object(&given, None);
        }
        if let Some(TypeKind::Enum(of)) = self.0.get(name).map(|of| &of.kind) {
            return of.values[0].node.value.node.to_string();
        }
        match name {
            "Int" => "1",
            "Boolean" => "true",
            "CurrencyCode" => "\"USD\"",
            "TimeZone" => "\"UTC\"",
            "DateTime" => "\"2026-01-01T00:00:00Z\"",
            "UUID" => "\"00000000-0000-4000-8000-000000000001\"",
            "Decimal" => "\"1\"",
            _ => "\"x\"",
        }
        .to_owned()
    }

    /// An object with samples for its fields but one.
    fn object(&self, fields: &[&InputValueDefinition], given: Option<(&str, &str)>) -> String {
        let others = fields
            .iter()
            .filter(|field| given.is_none_or(|(name, _)| field.name.node != name))
            .map(|field| format!("{}: {}", field.name.node, self.sample(&field.ty.node)));
        let given = given.iter().map(|(name, value)| format!("{name}: {value}"));
        let fields: Vec<_> = others.chain(given).collect();
        format!("{{{}}}", fields.join(", "))
    }

    /// Places within a value of a type that are not nullable.
    fn sites(&self, of: &Type, depth: usize) -> Vec<Site> {
        let mut sites = Vec::new();
        if !of.nullable {
            let nullable = Type {
                nullable: true,
                ..of.clone()
            };
            sites.push(("$v".to_owned(), nullable));
        }
        match &of.base {
            BaseType::List(item) => {
                let items = self.sites(item, depth);
                sites.extend(
                    items
                        .into_iter()
                        .map(|(text, of)| (format!("[{text}]"), of)),
                );
            }
            BaseType::Named(name) => {
                let Some((input, is_one_of)) = self.input(name).filter(|_| depth > 0) else {
                    return sites;
                };
                let fields: Vec<_> = input.fields.iter().map(|field| &field.node).collect();
                let others = if is_one_of {
                    Vec::new()
                } else {
                    required(&fields)
                };
                for field in &fields {
                    for (text, of) in self.sites(&field.ty.node, depth - 1) {
                        let given = (field.name.node.as_str(), text.as_str());
                        sites.push((self.object(&others, Some(given)), of));
                    }
                }
            }
        }
        sites
    }

    /// Queries with a null, and the path of the field that has to fail.
    fn queries(&self, of: &str, path: &str, field: &FieldDefinition) -> Vec<(String, String)> {
        let name = &field.name.node;
        let is_composite = matches!(&field.ty.node.base, base if self.is_composite(base));
        let selection = if is_composite { " { __typename }" } else { "" };
        let arguments: Vec<_> = field.arguments.iter().map(|one| &one.node).collect();
        let mut queries = Vec::new();
        for argument in &arguments {
            for (text, variable) in self.sites(&argument.ty.node, DEPTH) {
                let default = self.sample(&variable);
                let given = (argument.name.node.as_str(), text.as_str());
                let values = self.object(&required(&arguments), Some(given));
                let values = &values[1..values.len() - 1];
                let selected = path.replace('%', &format!("{name}({values}){selection}"));
                let query = format!(
                    "query ($v: {variable} = {default}) {{ serverInfo {{ version }} {selected} }}"
                );
                queries.push((query, format!("{of}/{name}")));
            }
        }
        queries
    }

    fn is_composite(&self, base: &BaseType) -> bool {
        match base {
            BaseType::List(item) => self.is_composite(&item.base),
            BaseType::Named(name) => self.0.get(name.as_str()).is_some_and(|of| {
                matches!(
                    of.kind,
                    TypeKind::Object(_) | TypeKind::Interface(_) | TypeKind::Union(_)
                )
            }),
        }
    }
}

/// The fields without which an input is not valid.
fn required<'a>(fields: &[&'a InputValueDefinition]) -> Vec<&'a InputValueDefinition> {
    let is_required =
        |field: &&&InputValueDefinition| !field.ty.node.nullable && field.default_value.is_none();
    fields.iter().filter(is_required).copied().collect()
}

#[test]
fn refuses_null_in_its_field_alone() {
    let types = Types::read();
    let mut queries = Vec::new();
    for (name, of) in &types.0 {
        let TypeKind::Object(object) = &of.kind else {
            continue;
        };
        if matches!(name.as_str(), "Mutation" | "Subscription") {
            continue;
        }
        let known = PATHS.iter().find(|(of, ..)| of == name);
        for field in object
            .fields
            .iter()
            .filter(|field| field.node.ty.node.nullable)
        {
            let (path, at) = known.map_or(("%", "?"), |(_, path, at)| (path, at));
            let found = types.queries(at, path, &field.node);
            assert!(
                found.is_empty() || known.is_some(),
                "add a path to {name}, because of {}",
                field.node.name.node
            );
            queries.extend(found);
        }
    }
    assert!(queries.len() > 50, "{}", queries.len());
    test(async |app| {
        let caller = app.person(&[Role::Admin, Role::Finance, Role::Support]);
        app.drafted().await;
        for (query, path) in &queries {
            let answer = caller.ask(query, json!({"v": null})).await;
            let body = &answer.body;
            let version = body["data"]["serverInfo"]["version"].is_string();
            assert!(version, "{query}: {body}");
            assert_eq!(
                body["data"].pointer(path),
                Some(&Value::Null),
                "{query}: {body}"
            );
            let steps = path.split('/').skip(1);
            let steps = steps.map(|step| {
                step.parse::<usize>()
                    .map_or_else(|_| json!(step), |place| json!(place))
            });
            let steps: Vec<Value> = steps.collect();
            assert_eq!(body["errors"][0]["path"], json!(steps), "{query}: {body}");
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{query}: {body}");
        }
    });
}
