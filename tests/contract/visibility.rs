//! Fields of an object that an audience can read: a field that is null for it names the audience.

use std::collections::HashMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, TypeKind, TypeSystemDefinition};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::access::{Role, Scope};
use serde_json::{Value, json};

use super::coverage::cast;
use crate::support::wallets::loss;
use crate::support::{Actor, TestApp, test};

/// Words for the callers who get null; a description with one of them says who does.
const AUDIENCES: [&str; 4] = ["callers", "services", "members", "invitee"];
/// Levels of fields that are selected, where no other object of the test has them.
const LEVELS: usize = 3;

struct Field {
    name: String,
    of: String,
    arguments: Vec<String>,
    is_never_null: bool,
    description: String,
}

/// Fields of the object types of the schema.
struct Types(HashMap<String, Vec<Field>>);

impl Types {
    fn read() -> Self {
        // The engine's parser does not read the directives and the schema's own description, which are last.
        let text = include_str!("../../schema.graphql");
        let (types, _) = text.rsplit_once("\n}\n\n\"\"\"\n").unwrap();
        let document = parse_schema(format!("{types}\n}}\n")).unwrap();
        let mut types = HashMap::new();
        for definition in document.definitions {
            let TypeSystemDefinition::Type(of) = definition else {
                continue;
            };
            let fields = match of.node.kind {
                TypeKind::Object(object) => object.fields,
                TypeKind::Interface(_) | TypeKind::Union(_) => Vec::new(),
                _ => continue,
            };
            let fields = fields.into_iter().map(|field| {
                let field = field.node;
                let mut inner = &field.ty.node;
                let of = loop {
                    match &inner.base {
                        BaseType::Named(name) => break name.to_string(),
                        BaseType::List(item) => inner = item,
                    }
                };
                let directives = field.directives.iter();
                Field {
                    is_never_null: !field.ty.node.nullable
                        || directives
                            .clone()
                            .any(|one| one.node.name.node == "semanticNonNull"),
                    of,
                    arguments: field
                        .arguments
                        .iter()
                        .map(|one| one.node.name.node.to_string())
                        .collect(),
                    description: field.description.map(|text| text.node).unwrap_or_default(),
                    name: field.name.node.to_string(),
                }
            });
            types.insert(of.node.name.node.to_string(), fields.collect());
        }
        Self(types)
    }

    /// Selects all fields of an object; of other nodes only their type.
    fn selection(&self, of: &str, levels: usize) -> String {
        let Some(fields) = self.0.get(of).filter(|_| levels > 0) else {
            return "__typename".to_owned();
        };
        let selected = fields.iter().map(|field| {
            let arguments = field
                .arguments
                .iter()
                .filter_map(|argument| match argument.as_str() {
                    "first" => Some("first: 1"),
                    "currency" => Some("currency: \"MP\""),
                    "at" => Some("at: \"2020-01-01T00:00:00Z\""),
                    "period" => Some("period: {from: \"2020-01-01T00:00:00Z\"}"),
                    _ => None,
                });
            let arguments: Vec<_> = arguments.collect();
            let arguments = match arguments[..] {
                [] => String::new(),
                _ => format!("({})", arguments.join(", ")),
            };
            let is_leaf = !self.0.contains_key(&field.of);
            let inner = match self.0.get(&field.of) {
                _ if is_leaf => String::new(),
                Some(fields) if fields.iter().any(|field| field.name == "id") => {
                    " { __typename }".to_owned()
                }
                _ => format!(" {{ {} }}", self.selection(&field.of, levels - 1)),
            };
            format!("{}{arguments}{inner}", field.name)
        });
        format!("__typename {}", selected.collect::<Vec<_>>().join(" "))
    }

    /// Compares the answer of an audience with that of all readers together.
    fn compare(&self, of: &str, seen: &Value, whole: &Value, problems: &mut Vec<String>) {
        let Some(object) = seen.as_object() else {
            for (seen, whole) in seen
                .as_array()
                .into_iter()
                .flatten()
                .zip(whole.as_array().into_iter().flatten())
            {
                self.compare(of, seen, whole, problems);
            }
            return;
        };
        for field in self.0.get(of).into_iter().flatten() {
            let Some(value) = object.get(&field.name) else {
                continue;
            };
            let is_named = AUDIENCES
                .iter()
                .any(|word| field.description.contains(word));
            let is_hidden = !whole[&field.name].is_null() && !is_named;
            if value.is_null() && (field.is_never_null || is_hidden) {
                problems.push(format!("{of}.{}", field.name));
            }
            self.compare(&field.of, value, &whole[&field.name], problems);
        }
    }
}

/// Callers who can read something: people by their roles, services by each of their scopes.
fn audiences(app: &TestApp, people: [Actor; 2]) -> Vec<(String, Actor)> {
    let people = ["stranger", "owner"]
        .map(str::to_owned)
        .into_iter()
        .zip(people);
    let staff = [Role::Support, Role::Finance, Role::Admin];
    let staff = staff.map(|role| (role.name().to_owned(), app.person(&[role])));
    let services = Scope::ALL.map(|scope| (scope.name().to_owned(), app.service(&[scope])));
    let mut all: Vec<_> = people.chain(staff).chain(services).collect();
    all.push(("anonymous".to_owned(), app.anonymous()));
    all
}

#[test]
fn names_the_audiences_that_get_null() {
    test(async |app| {
        let cast = cast(app).await;
        let mut ids: Vec<_> = cast.ids.as_object().unwrap().clone().into_iter().collect();
        let query = "query ($id: ID!) { node(id: $id) { ... on Settlement { hold { id } } } }";
        let settled = app
            .game()
            .get(query, json!({"id": cast.ids["Settlement"]}))
            .await;
        ids.push(("Hold".to_owned(), settled["node"]["hold"]["id"].clone()));
        let [_, stranger, owner, ..] = cast.asking;
        let types = Types::read();
        let mut problems = Vec::new();
        for (of, id) in ids {
            let selection = types.selection(&of, LEVELS);
            let query =
                format!("query ($id: ID!) {{ node(id: $id) {{ ... on {of} {{ {selection} }} }} }}");
            let reader = if of == "Viewer" {
                owner.clone()
            } else {
                app.person(&[Role::Admin])
            };
            let whole = reader.get(&query, json!({"id": id})).await["node"].clone();
            assert!(!whole.is_null(), "{of}");
            for (who, actor) in audiences(app, [stranger.clone(), owner.clone()]) {
                let seen = actor.get(&query, json!({"id": id})).await["node"].clone();
                let mut missing = Vec::new();
                types.compare(&of, &seen, &whole, &mut missing);
                problems.extend(
                    missing
                        .into_iter()
                        .map(|field| format!("{field} for {who}")),
                );
            }
        }
        assert_eq!(problems, [""; 0], "null without a word on the audience");
    });
}

#[test]
fn shows_services_what_they_act_on() {
    test(async |app| {
        let alice = app.holder("100").await;
        let [holding, settling] =
            [Scope::WalletHold, Scope::WalletSettle].map(|scope| app.service(&[scope]));
        let hold = holding.placed(&alice, "30", "7").await;
        let settled = settling
            .settle(loss(&hold))
            .select("settlement { id hold { id } transaction { id } }")
            .await;
        let settlement = settled.ok()["settlement"].clone();
        assert_eq!(settlement["hold"]["id"], hold);
        let query = "query ($hold: ID!, $settlement: ID!, $transaction: ID!) {
            hold: node(id: $hold) { id ... on Hold { settlement { id hold { id } transaction { id } } wallet { id } } }
            settlement: node(id: $settlement) { id ... on Settlement { hold { id } transaction { id } } }
            transaction: node(id: $transaction) { id ... on Transaction { reference { ... on ServiceReference { referenceId } } entries { id } } } }";
        let variables = json!({"hold": hold, "settlement": settlement["id"], "transaction": settlement["transaction"]["id"]});
        for service in [&holding, &settling] {
            let seen = service.get(query, variables.clone()).await;
            assert_eq!(seen["hold"]["settlement"], settlement);
            assert_eq!(seen["settlement"]["transaction"], settlement["transaction"]);
            // Neither the wallet's balance nor those that its entries contain.
            assert_eq!(seen["hold"]["wallet"], Value::Null);
            let receipt = json!({"id": settlement["transaction"]["id"], "reference": {"referenceId": "7"}, "entries": []});
            assert_eq!(seen["transaction"], receipt);
        }
        for (run, code) in [
            (holding.release_hold(&hold), "HOLD_ALREADY_SETTLED"),
            (settling.settle(loss(&hold)), "HOLD_ALREADY_SETTLED"),
        ] {
            let refused = run.await.refused(code, None);
            assert_eq!(refused["hold"]["settlement"]["id"], settlement["id"]);
        }
        // Receipts of other business events stay hidden.
        let query = r#"{ viewer { wallet(currency: "MP") { entries(last: 1) { nodes { transfer { transaction { uuid } } } } } } }"#;
        let first =
            alice.get(query, json!({})).await["viewer"]["wallet"]["entries"]["nodes"][0].clone();
        let event = first["transfer"]["transaction"]["uuid"].as_str().unwrap();
        let id = URL_SAFE_NO_PAD.encode(format!("Transaction:{}", event.replace('-', "")));
        let query = "query ($id: ID!) { node(id: $id) { id } }";
        assert_eq!(alice.get(query, json!({"id": id})).await["node"]["id"], id);
        for service in [&holding, &settling] {
            assert_eq!(
                service.get(query, json!({"id": id})).await["node"],
                Value::Null
            );
        }
    });
}
