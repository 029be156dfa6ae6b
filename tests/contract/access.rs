//! The policy as a picture: role × action, committed, so that a change of it is seen.

use std::fmt::Write;

use domain::access::{Action, Person, Principal, Relation, Role, Scope, Service};
use domain::ids::UserId;

use crate::support::variable;

const COMMITTED: &str = include_str!("access.txt");

#[test]
fn matches_the_access_snapshot() {
    let printed = print();
    if variable("GOODGO_UPDATE").is_some() {
        std::fs::write(
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/access.txt"),
            &printed,
        )
        .unwrap();
        return;
    }
    assert!(
        printed == COMMITTED,
        "the policy changed; if that is meant, GOODGO_UPDATE=1 script/test the_policy rewrites:\n{printed}"
    );
}

fn print() -> String {
    let mut text = String::from(
        "# own / others: + may, - may not. Rewritten by GOODGO_UPDATE=1 script/test the_policy\n",
    );
    let mut audiences: Vec<(String, Principal)> =
        vec![("anonymous".to_owned(), Principal::Anonymous)];
    audiences.extend(Role::ALL.map(|role| (role.name().to_owned(), person(role))));
    audiences.extend(Scope::ALL.map(|scope| (scope.name().to_owned(), service(scope))));
    write!(text, "{:20}", "").unwrap();
    for (name, _) in &audiences {
        write!(text, " {name}").unwrap();
    }
    text.push('\n');
    for action in Action::ALL {
        write!(text, "{:20}", format!("{action:?}")).unwrap();
        for (name, principal) in &audiences {
            let mark = |relation| {
                if principal.may(*action, relation) {
                    '+'
                } else {
                    '-'
                }
            };
            let cell = format!("{}/{}", mark(Relation::Own), mark(Relation::Others));
            write!(text, " {cell:width$}", width = name.len()).unwrap();
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

fn person(role: Role) -> Principal {
    Principal::Person(Person {
        id: UserId(uuid::Uuid::nil()),
        issuer: "test".to_owned(),
        roles: vec![role],
        merchant_id: None,
        advertiser_id: None,
        name: None,
    })
}

fn service(scope: Scope) -> Principal {
    Principal::Service(Service {
        issuer: "test".to_owned(),
        subject: "test".to_owned(),
        scopes: vec![scope],
    })
}
