use domain::access::Scope;
use serde_json::{Value, json};

use crate::support::test;

const MINER: &str = "query ($by: MinerBy!) { miner(by: $by) { uuid } }";

#[test]
fn returns_a_miner_by_each_of_its_names() {
    test(async |app| {
        let alice = app.user();
        let miner = alice.register().await.ok()["miner"].clone();
        let ways = [
            json!({"id": miner["id"]}),
            json!({"uuid": miner["uuid"]}),
            json!({"userId": miner["user"]["uuid"]}),
            json!({"code": miner["referralCode"]}),
        ];
        for asker in [
            alice.clone(),
            app.support(),
            app.service(&[Scope::MiningRead]),
        ] {
            for by in &ways {
                assert_eq!(
                    asker.get(MINER, json!({"by": by})).await["miner"]["uuid"],
                    miner["uuid"],
                    "{by}"
                );
            }
        }
        for by in &ways {
            assert_eq!(
                app.miner().await.get(MINER, json!({"by": by})).await["miner"],
                Value::Null,
                "{by}"
            );
        }
    });
}

#[test]
fn returns_to_a_service_what_its_scopes_allow() {
    test(async |app| {
        let alice = app.miner().in_circle(1).await;
        let query = "query ($id: UUID!) { miner(by: {userId: $id}) { status rate { hourlyRate } circle { name } wallet { currency } } }";
        let id = json!({"id": alice.id().to_string()});
        let own = alice.get(query, id.clone()).await["miner"].clone();
        assert_eq!(
            (&own["circle"]["name"], &own["wallet"]["currency"]),
            (&json!("Night shift"), &json!("MP"))
        );
        let reader = app
            .service(&[Scope::MiningRead])
            .get(query, id.clone())
            .await["miner"]
            .clone();
        assert_eq!(reader["rate"], own["rate"]);
        assert_eq!(
            (&reader["circle"], &reader["wallet"]),
            (&Value::Null, &Value::Null)
        );
        let both = app
            .service(&[Scope::MiningRead, Scope::WalletRead])
            .get(query, id)
            .await["miner"]
            .clone();
        assert_eq!(
            (&both["circle"], &both["wallet"]["currency"]),
            (&Value::Null, &json!("MP"))
        );
    });
}

#[test]
fn rejects_bad_names_with_one_error() {
    test(async |app| {
        let admin = app.admin();
        for by in [
            json!({"id": "nonsense"}),
            json!({"id": "V2FsbGV0OlVTRVI6MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA6TVA"}),
            json!({"uuid": "1"}),
            json!({}),
            json!({"uuid": null}),
        ] {
            let answer = admin.ask(MINER, json!({"by": by})).await;
            assert!(
                answer.body["errors"]
                    .as_array()
                    .is_some_and(|errors| errors.len() == 1),
                "{by}: {}",
                answer.body
            );
            assert!(
                ["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"].contains(&answer.code()),
                "{by}: {}",
                answer.body
            );
        }
    });
}

#[test]
fn pages_the_history_in_both_directions() {
    test(async |app| {
        let alice = app.miner().await;
        app.invent_points(&format!(
            "INSERT INTO mining_history (id, user_id, points, source, earned_at, hourly_rate, streak_days)
             SELECT gen_random_uuid(), '{}', n * 10000, 'ADJUSTMENT', app_now() - n * interval '1 hour', 2500, 0 FROM generate_series(1, 25) n",
            alice.id()
        ))
        .await;
        let query = "query ($first: Int, $last: Int, $after: String, $before: String) { viewer { miner {
            history(first: $first, last: $last, after: $after, before: $before) {
                totalCount totalCountPrecision edges { cursor node { pointsEarned } } nodes { pointsEarned }
                pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
            }
        } } }";
        let page = async |variables: Value| {
            alice.get(query, variables).await["viewer"]["miner"]["history"].clone()
        };
        let first = page(json!({"first": 10})).await;
        assert_eq!(
            (
                first["totalCount"].clone(),
                first["totalCountPrecision"].clone()
            ),
            (json!(25), json!("EXACT"))
        );
        assert_eq!(first["nodes"][0]["pointsEarned"], "1.0000");
        assert_eq!(first["edges"][9]["node"], first["nodes"][9]);
        assert_eq!(
            (
                &first["pageInfo"]["hasNextPage"],
                &first["pageInfo"]["hasPreviousPage"]
            ),
            (&json!(true), &json!(false))
        );
        let second = page(json!({"first": 20, "after": first["pageInfo"]["endCursor"]})).await;
        assert_eq!(second["nodes"].as_array().unwrap().len(), 15);
        assert_eq!(second["nodes"][0]["pointsEarned"], "11.0000");
        assert_eq!(second["pageInfo"]["hasNextPage"], false);
        let back = page(json!({"last": 4, "before": second["pageInfo"]["startCursor"]})).await;
        let points: Vec<_> = back["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|node| node["pointsEarned"].clone())
            .collect();
        assert_eq!(points, ["7.0000", "8.0000", "9.0000", "10.0000"]);
        assert_eq!(back["pageInfo"]["hasPreviousPage"], true);
        let rest = page(json!({"first": 20, "before": second["pageInfo"]["startCursor"]})).await;
        assert_eq!(rest["nodes"].as_array().unwrap().len(), 10);
        assert_eq!(rest["pageInfo"]["hasNextPage"], true);
        let tail = page(json!({"last": 20, "after": first["pageInfo"]["endCursor"]})).await;
        assert_eq!(tail["nodes"].as_array().unwrap().len(), 15);
        assert_eq!(tail["pageInfo"]["hasPreviousPage"], true);
        for bad in [
            json!({}),
            json!({"first": 0}),
            json!({"first": 101}),
            json!({"first": 1, "last": 1}),
            json!({"first": 1, "after": "x"}),
        ] {
            assert_eq!(
                alice.ask(query, bad.clone()).await.code(),
                "BAD_USER_INPUT",
                "{bad}"
            );
        }
    });
}

#[test]
fn finds_a_miner_by_a_pasted_code() {
    test(async |app| {
        let alice = app.miner().await;
        let link = alice.own_miner("referralShareUrl").await["referralShareUrl"].clone();
        let query = "query ($code: String!) { miner(by: {code: $code}) { uuid } }";
        for pasted in super::pasted(&alice.code, link.as_str().unwrap()) {
            let found = alice.get(query, json!({"code": pasted})).await;
            assert_eq!(found["miner"]["uuid"], json!(alice.uuid), "{pasted:?}");
        }
    });
}
