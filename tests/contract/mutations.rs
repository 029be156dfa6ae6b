//! The contract of every mutation: callers without access, replays, and idempotency keys. A mutation without a row fails a
//! test.

use std::collections::BTreeSet;

use domain::access::{Role, Scope};
use serde_json::json;

use super::rows::Callers::{
    self, Administrators, Deciders, Depositors, Events, Finance, Holders, Merchants, Minters,
    Payers, Redeemers, Releasers, Returners, Savers, Settlers, Shops, Sources, Users,
};
use super::rows::Key::{Optional, Required};
use super::rows::{ROWS, Sample};
use crate::support::{Actor, TestApp, test};

#[test]
fn covers_every_mutation_of_the_schema() {
    test(async |app| {
        let query = "{ __schema { mutationType { fields { name } } } }";
        let schema = app.anonymous().get(query, json!({})).await;
        let fields = schema["__schema"]["mutationType"]["fields"].as_array();
        let names: BTreeSet<_> = fields
            .unwrap()
            .iter()
            .map(|field| field["name"].as_str().unwrap())
            .collect();
        let rows: BTreeSet<_> = ROWS.iter().map(|(name, ..)| *name).collect();
        assert_eq!(names, rows);
    });
}

/// Callers that a mutation is forbidden to, with whether the attempt is audited: attempts of staff and services at
/// commands of staff and services are.
fn forbidden(app: &TestApp, callers: Callers) -> Vec<(Actor, bool)> {
    let is_audited = ![Users, Merchants].contains(&callers);
    let service = (app.service(&Scope::ALL), is_audited);
    let staff = [Role::Support, Role::Finance].map(|role| (app.person(&[role]), true));
    let people =
        [&[][..], &[Role::Merchant], &[Role::Advertiser]].map(|roles| (app.person(roles), false));
    match callers {
        Users => vec![service],
        Merchants => {
            let people = [&[][..], &[Role::Advertiser]].map(|roles| (app.person(roles), false));
            let staff = [Role::Support, Role::Finance, Role::Admin];
            let staff = staff.map(|role| (app.person(&[role]), false));
            [service].into_iter().chain(staff).chain(people).collect()
        }
        Administrators => [service].into_iter().chain(staff).chain(people).collect(),
        Deciders => {
            let support = (app.support(), true);
            [service, support].into_iter().chain(people).collect()
        }
        Events => {
            let without_scope = app.service(&[Scope::MiningRead, Scope::WalletRead]);
            let others = [(app.admin(), true), (without_scope, true)];
            others.into_iter().chain(staff).chain(people).collect()
        }
        Redeemers => vec![(app.service(&[Scope::PromotionsRead]), true)],
        Shops => {
            let without_scope = app.service(&[Scope::PromotionsRead]);
            let others = [(app.admin(), true), (without_scope, true)];
            others.into_iter().chain(staff).chain(people).collect()
        }
        Returners => {
            let people = [&[][..], &[Role::Advertiser]].map(|roles| (app.person(roles), false));
            let without_scope = app.service(&[Scope::PromotionsRead]);
            let others = [(app.admin(), true), (without_scope, true)];
            others.into_iter().chain(staff).chain(people).collect()
        }
        Savers => vec![(app.service(&[Scope::WalletRead, Scope::WalletHold]), true)],
        Sources => {
            let without_scope = app.service(&[Scope::WalletRead, Scope::WalletHold]);
            let others = [
                (app.finance(), true),
                (app.support(), true),
                (without_scope, true),
            ];
            others.into_iter().chain(people).collect()
        }
        Finance | Depositors | Payers | Releasers => {
            let service = match callers {
                Finance => app.service(&Scope::ALL),
                _ => app.service(&[Scope::WalletRead, Scope::WalletHold]),
            };
            let others = [(app.admin(), true), (app.support(), true), (service, true)];
            others.into_iter().chain(people).collect()
        }
        Holders | Settlers | Minters => {
            let without_scope = app.service(&[Scope::WalletRead, Scope::WalletDeposit]);
            let others = [(app.admin(), true), (without_scope, true)];
            others.into_iter().chain(staff).chain(people).collect()
        }
    }
}

#[test]
fn refuses_callers_without_access() {
    test(async |app| {
        for (field, callers, _, setup) in ROWS {
            let Sample { run, .. } = setup(app).await;
            let events = app.all_events().await.len();
            let outcome = run.clone().by(&app.anonymous()).await;
            outcome.error("UNAUTHENTICATED");
            for (caller, is_audited) in forbidden(app, *callers) {
                let before = app.audit_log().await.len();
                let outcome = run.clone().by(&caller).await;
                outcome.error("FORBIDDEN");
                let entries = app.audit_log().await.split_off(before);
                let outcomes: Vec<_> = entries.iter().map(|entry| entry.outcome.as_str()).collect();
                let expected: &[_] = if is_audited { &["FORBIDDEN"] } else { &[] };
                assert_eq!(outcomes, expected, "{field}");
            }
            assert_eq!(app.all_events().await.len(), events, "{field}");
            run.await.ok();
        }
    });
}

/// Commands of users are open to all people: a stranger and staff get a refusal, or a result of their own.
#[test]
fn answers_all_people_without_error() {
    test(async |app| {
        for (field, callers, _, setup) in ROWS {
            if *callers != Users {
                continue;
            }
            let Sample { run, .. } = setup(app).await;
            for caller in [app.miner().await.actor(), app.support()] {
                let outcome = run.clone().by(&caller).await;
                assert_eq!(outcome.answer.code(), "", "{field}");
            }
            run.await.ok();
        }
    });
}

#[test]
fn replays_the_first_result() {
    test(async |app| {
        for (field, callers, _, setup) in ROWS {
            let run = setup(app).await.run.key("k");
            let first = run.clone().await;
            assert!(!first.is_replay(), "{field}");
            let first = first.ok();
            let (events, audited) = (app.all_events().await.len(), app.audit_log().await.len());
            assert_eq!(run.clone().await.replayed(), first, "{field}");
            assert_eq!(app.all_events().await.len(), events, "{field}");
            assert_eq!(app.audit_log().await.len(), audited, "{field}");
            if *callers != Users {
                let last = app.audit_log().await.pop().unwrap();
                assert_eq!(last.outcome, "APPLIED", "{field}");
            }
        }
    });
}

#[test]
fn refuses_a_key_of_another_input() {
    test(async |app| {
        for (field, _, _, setup) in ROWS {
            let Sample { run, other } = setup(app).await;
            let run = run.key(field);
            run.clone().await.ok();
            if let Some(other) = other {
                let outcome = run.with(other).await;
                outcome.error_with_reason("CONFLICT", "IDEMPOTENCY_KEY_REUSED");
            }
        }
    });
}

#[test]
fn rejects_keys_of_0_or_129_characters_or_invisible_ones() {
    test(async |app| {
        for (_, _, _, setup) in ROWS {
            let run = setup(app).await.run.select("__typename");
            for key in [String::new(), "k".repeat(129), "k\u{200b}".to_owned()] {
                run.clone().key(&key).await.error("BAD_USER_INPUT");
            }
            run.key(&"k".repeat(128)).await.ok();
        }
    });
}

#[test]
fn requires_a_key_where_points_move() {
    test(async |app| {
        for (field, _, key, setup) in ROWS {
            let run = setup(app).await.run.without_key();
            match key {
                Required => {
                    run.clone().await.error("BAD_USER_INPUT");
                    // The header does not replace the field, and has to be equal.
                    let keyed = run.clone().header("idempotency-key", field);
                    keyed.await.error("BAD_USER_INPUT");
                    let other = run.clone().key("another");
                    let other = other.header("idempotency-key", field).await;
                    other.error("BAD_USER_INPUT");
                    let outcome = run.key(field).header("idempotency-key", field).await;
                    outcome.ok();
                }
                Optional => drop(run.await.ok()),
            }
        }
    });
}
