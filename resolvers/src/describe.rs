//! Completes the descriptions and directives of the schema from what is declared elsewhere: commands from their
//! descriptors, access from the policy, arguments and keys from one text each.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use crate::enums::EnumValue;
use async_graphql::Name;
use async_graphql::Value;
use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{
    __DirectiveLocation, MetaDirective, MetaDirectiveInvocation, MetaField, MetaInputValue,
    MetaType, Registry,
};
use db::command::{Described, KeyRule};
use domain::access::{Action, Role, Rule};
use heck::{ToLowerCamelCase, ToUpperCamelCase};

/// Descriptions of arguments by name, for those without one of their own.
const ARGUMENTS: &[(&str, &str)] = &[
    ("after", "Cursor after which the page starts."),
    ("before", "Cursor before which the page ends."),
    ("by", "Key of the object."),
    (
        "filter",
        "Conditions that all have to hold; null selects every item the caller may see.",
    ),
    (
        "first",
        "Number of items from the start, 1 to 100. Give exactly one of `first` and `last`.",
    ),
    ("input", "Values of the command."),
    ("last", "Number of items from the end, 1 to 100."),
    (
        "offset",
        "Number of items to skip, 0 to 10,000; not together with `after` or `before`.",
    ),
    ("orderBy", "Order of the list; null is newest first."),
    ("status", "Status to select; null selects all."),
];

const OPTIONAL_KEY: &str = "Idempotency key, 1 to 128 visible characters, no leading or trailing blanks. A retry with the same key and input returns the first result and changes nothing; the same key with another input is IDEMPOTENCY_KEY_REUSED. Not stored: a refusal because the caller has no such object yet, such as MINER_NOT_FOUND. Null runs the command for each request, unless the `Idempotency-Key` header is sent.";
const REQUIRED_KEY: &str = "Idempotency key, 1 to 128 visible characters, no leading or trailing blanks. A retry with the same key and input returns the first result and changes nothing; the same key with another input is IDEMPOTENCY_KEY_REUSED. Not stored: a refusal because the caller has no such object yet, such as MINER_NOT_FOUND. An `Idempotency-Key` header, if sent too, must be equal.";

/// Ends the description of a payload's object: it is read after the commit. All other fields are stored with the key.
const PRESENT: &str = "A retry returns it as it is then.";

/// Descriptors of all commands.
pub(crate) static COMMANDS: LazyLock<Vec<Described>> = LazyLock::new(|| {
    let commands = db::COMMANDS.iter().copied().flatten().copied().flatten();
    commands.copied().collect()
});

/// Completes a schema. `requires` lists fields, as `Type.field`, with the action that the policy allows or denies.
pub(crate) fn complete<'a>(
    registry: &mut Registry,
    requires: impl Iterator<Item = &'a (&'static str, Action)>,
) {
    declare_directives(registry);
    if let Some(MetaType::Scalar {
        description,
        specified_by_url,
        ..
    }) = registry.types.get_mut("UUID")
    {
        *description = Some("UUID in its 36-character text form.".to_owned());
        *specified_by_url = Some("https://www.rfc-editor.org/rfc/rfc9562".to_owned());
    }
    for command in COMMANDS.iter() {
        describe_command(registry, command);
    }
    for (path, action) in requires {
        let (of, name) = path.split_once('.').unwrap_or((path, ""));
        let field = fields_of(registry, of).and_then(|fields| fields.get_mut(name));
        match field {
            Some(field) => require(field, action.rule(), " "),
            None => unreachable!("{path} is not in the schema"),
        }
    }
    for of in registry.types.values_mut() {
        describe_fields(of);
    }
}

fn fields_of<'r>(
    registry: &'r mut Registry,
    name: &str,
) -> Option<&'r mut IndexMap<String, MetaField>> {
    match registry.types.get_mut(name)? {
        MetaType::Object { fields, .. } | MetaType::Interface { fields, .. } => Some(fields),
        _ => None,
    }
}

fn describe_command(registry: &mut Registry, command: &Described) {
    let name = command.operation().to_lower_camel_case();
    let type_name = command.operation().to_upper_camel_case();
    let field = fields_of(registry, "Mutation").and_then(|fields| fields.get_mut(&name));
    let Some(field) = field else {
        unreachable!("the mutation {name} is missing");
    };
    require(field, command.action.rule(), "\n");
    let codes = command.codes().join(", ");
    append(&mut field.description, "\n", &format!("Refusals: {codes}."));
    if let Some(MetaType::InputObject {
        description,
        input_fields,
        ..
    }) = registry.types.get_mut(&format!("{type_name}Input"))
    {
        *description = Some(format!("Input for `{name}`."));
        if let Some(key) = input_fields.get_mut("idempotencyKey") {
            key.description = Some(match command.key {
                KeyRule::Optional => OPTIONAL_KEY.to_owned(),
                KeyRule::Required => REQUIRED_KEY.to_owned(),
            });
        }
    }
    let objects: HashSet<String> = registry
        .types
        .values()
        .filter(|of| of.is_composite())
        .map(|of| of.name().to_owned())
        .collect();
    if let Some(MetaType::Object {
        description,
        fields,
        ..
    }) = registry.types.get_mut(&format!("{type_name}Payload"))
    {
        *description = Some(format!("Result of `{name}`."));
        for field in fields.values_mut() {
            // A receipt never changes.
            if objects.contains(&field.ty) && field.ty != "Transaction" {
                append(&mut field.description, " ", PRESENT);
            }
        }
    }
}

fn append(description: &mut Option<String>, separator: &str, text: &str) {
    let description = description.get_or_insert_default();
    if !description.is_empty() {
        description.push_str(separator);
    }
    description.push_str(text);
}

/// Adds the rule to a field as a sentence and as a directive.
fn require(field: &mut MetaField, rule: Rule, separator: &str) {
    if rule.is_public {
        return;
    }
    let mut audiences = Vec::new();
    audiences.extend(rule.own.iter().map(|role| match role {
        Role::User => "a signed-in user (own data)".to_owned(),
        role => format!("role {} (own data)", role.name()),
    }));
    if !rule.roles.is_empty() {
        let roles: Vec<_> = rule.roles.iter().map(|role| role.name()).collect();
        audiences.push(format!("role {}", either(&roles)));
    }
    if !rule.scopes.is_empty() {
        let scopes = rule.scopes.iter();
        let scopes: Vec<_> = scopes.map(|scope| format!("`{}`", scope.name())).collect();
        let scopes: Vec<_> = scopes.iter().map(String::as_str).collect();
        audiences.push(format!("service scope {}", either(&scopes)));
    }
    let sentence = format!("Requires: {}.", audiences.join("; or "));
    append(&mut field.description, separator, &sentence);
    let list = |names: Vec<String>| {
        Value::List(
            names
                .into_iter()
                .map(|name| Value::Enum(Name::new(name)))
                .collect(),
        )
    };
    let roles = rule.own.iter().chain(rule.roles);
    let roles: Vec<_> = roles.map(|role| role.name().to_owned()).collect();
    let scopes = rule.scopes.iter().map(EnumValue::value_name);
    let scopes: Vec<_> = scopes.map(Cow::into_owned).collect();
    let args = [("roles", roles), ("scopes", scopes)].into_iter();
    let args = args.filter(|(_, names)| !names.is_empty());
    field.directive_invocations.push(MetaDirectiveInvocation {
        name: "requires".to_owned(),
        args: args
            .map(|(name, names)| (name.to_owned(), list(names)))
            .collect(),
    });
}

/// `A, B or C`.
fn either(names: &[&str]) -> String {
    match names {
        [names @ .., before, last] => {
            let names = names.iter().map(|name| format!("{name}, "));
            format!("{}{before} or {last}", names.collect::<String>())
        }
        [only] => (*only).to_owned(),
        [] => String::new(),
    }
}

/// Adds what fields of every type have in common: descriptions of arguments, and `@semanticNonNull` on nullable fields
/// whose description names no other reason for null than an error.
fn describe_fields(of: &mut MetaType) {
    let is_introspection = of.name().starts_with("__");
    let (MetaType::Object { fields, .. } | MetaType::Interface { fields, .. }) = of else {
        return;
    };
    if is_introspection {
        return;
    }
    for field in fields
        .values_mut()
        .filter(|field| !field.name.starts_with("__"))
    {
        for argument in field.args.values_mut() {
            let known = ARGUMENTS.iter().find(|(name, _)| *name == argument.name);
            if let (None, Some((_, text))) = (&argument.description, known) {
                argument.description = Some((*text).to_owned());
            }
        }
        let description = field
            .description
            .as_deref()
            .unwrap_or_default()
            .to_lowercase();
        let description = description.replace("null only on error", "");
        if !field.ty.ends_with('!') && !description.contains("null") {
            field.directive_invocations.push(MetaDirectiveInvocation {
                name: "semanticNonNull".to_owned(),
                args: IndexMap::new(),
            });
        }
    }
}

fn declare_directives(registry: &mut Registry) {
    registry.add_directive(directive(
        "requires",
        "Access rule of a field: the caller needs one of the roles or one of the scopes. A field without the directive follows the rule of the object that contains it.",
        &[
            ("roles", "[Role!]!", "[]", "Roles of a person. USER, MERCHANT and ADVERTISER reach their own data, SUPPORT, FINANCE and ADMIN everybody's."),
            ("scopes", "[Scope!]!", "[]", "Scopes of a service's token."),
        ],
    ));
    registry.add_directive(directive(
        "semanticNonNull",
        "Marks a nullable field that is null only on error, for code generators that report errors by exception.",
        &[("levels", "[Int!]!", "[0]", "Levels of a list type that are null only on error: 0 is the field itself, 1 its items.")],
    ));
}

fn directive(
    name: &str,
    description: &str,
    arguments: &[(&str, &str, &str, &str)],
) -> MetaDirective {
    let arguments = arguments.iter().map(|(name, of, default, description)| {
        let mut argument = MetaInputValue::new(*name, *of);
        argument.default_value = Some((*default).to_owned());
        argument.description = Some((*description).to_owned());
        ((*name).to_owned(), argument)
    });
    MetaDirective {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        locations: vec![__DirectiveLocation::FIELD_DEFINITION],
        args: arguments.collect(),
        is_repeatable: false,
        visible: None,
        composable: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_names_of_mutations() {
        for (operation, name) in [
            ("circle_rename", "circleRename"),
            ("miner_node_operator_grant", "minerNodeOperatorGrant"),
        ] {
            assert_eq!(operation.to_lower_camel_case(), name);
        }
    }

    #[test]
    fn joins_names_with_or() {
        assert_eq!(either(&["A"]), "A");
        assert_eq!(either(&["A", "B", "C"]), "A, B or C");
    }
}
