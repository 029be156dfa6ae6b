//! Generated files are fresh, and everything is described.

use db::Tls;
use serde_json::{Value, json};

use crate::support::{test, test_with};

#[test]
fn matches_the_committed_schema() {
    let committed = include_str!("../../schema.graphql");
    assert!(
        resolvers::sdl(&resolvers::schema()) == committed,
        "schema.graphql is stale: run script/generate"
    );
}

#[test]
fn matches_the_committed_tables() {
    test(async |app| {
        let mut conn = db::connect_as_migrator(&app.database_url, &Tls::from_machine())
            .await
            .unwrap();
        let printed = db::tables::print(&mut conn).await.unwrap();
        assert!(
            printed == include_str!("../../db/src/schema.rs"),
            "db/src/schema.rs is stale: run script/generate"
        );
    });
}

const BUILT_IN: [&str; 5] = ["ID", "Int", "String", "Boolean", "Float"];

const INTROSPECTION: &str = "{ __schema { types { kind name description specifiedByURL
    fields(includeDeprecated: true) { name description args { name description } }
    inputFields { name description } enumValues(includeDeprecated: true) { name description } } } }";

#[test]
fn describes_every_element() {
    test(async |app| {
        let data = app.anonymous().get(INTROSPECTION, json!({})).await;
        let mut silent = Vec::new();
        let mut look = |name: String, element: &Value| {
            if element["description"]
                .as_str()
                .is_none_or(|text| text.trim().is_empty())
            {
                silent.push(name);
            }
        };
        for of in data["__schema"]["types"].as_array().unwrap() {
            let name = of["name"].as_str().unwrap();
            // Types of the specification have no description here.
            if name.starts_with("__") || BUILT_IN.contains(&name) {
                continue;
            }
            look(name.to_owned(), of);
            for part in ["fields", "inputFields", "enumValues"] {
                for element in of[part].as_array().into_iter().flatten() {
                    let path = format!("{name}.{}", element["name"].as_str().unwrap());
                    look(path.clone(), element);
                    for arg in element["args"].as_array().into_iter().flatten() {
                        look(format!("{path}({})", arg["name"].as_str().unwrap()), arg);
                    }
                }
            }
            let is_ours = of["kind"] == "SCALAR"
                && !["ID", "Int", "String", "Boolean", "Float"].contains(&name);
            assert!(
                !is_ours || of["specifiedByURL"].is_string(),
                "{name} has no @specifiedBy"
            );
        }
        assert_eq!(silent, [""; 0], "not described");
    });
}

#[test]
fn introspects_interfaces_of_interfaces() {
    test(async |app| {
        let query = "query($name: String! = \"UserError\") {
            serverInfo { version }
            version: __type(name: \"ConfigurationVersion\") { kind interfaces { name } }
            error: __type(name: $name) { interfaces { name } possibleTypes { __typename } }
            schema: __schema { description }
        }";
        let data = app.anonymous().get(query, json!({})).await;
        assert_eq!(
            data["version"],
            json!({"kind": "INTERFACE", "interfaces": [{"name": "Node"}]})
        );
        assert_eq!(data["error"]["interfaces"], json!([]));
        assert!(
            data["error"]["possibleTypes"]
                .as_array()
                .is_some_and(|types| types.len() > 5)
        );
        let described = data["schema"]["description"].as_str().unwrap();
        assert!(
            described.starts_with("GraphQL API of the GoodGo platform"),
            "{described}"
        );
        assert!(data["serverInfo"]["version"].is_string());
    });
}

#[test]
fn limits_introspection_to_signed_in_callers() {
    test_with(&[("GOODGO_INTROSPECTION", "signed-in")], async |app| {
        let query = "{ __schema { queryType { name } } }";
        let known = app.user().get(query, json!({})).await;
        assert_eq!(known["__schema"]["queryType"]["name"], "Query");
        for query in [
            query,
            "query Named { __schema { queryType { name } } }",
            "{ ...F } fragment F on Query { t: __type(name: \"Miner\") { name } }",
        ] {
            let unknown = app.anonymous().ask(query, json!({})).await;
            assert_eq!(unknown.code(), "UNAUTHENTICATED", "{}", unknown.body);
            assert!(unknown.body.get("data").is_none(), "{}", unknown.body);
        }
        app.anonymous()
            .get("{ __typename serverInfo { __typename } }", json!({}))
            .await;
    });
}

#[test]
fn migrates_once_with_several_migrators() {
    test(async |app| {
        // The server's own first job reads what is dropped here.
        app.until_count("jobs", "runs > 0", 1).await;
        app.sql(
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC",
        )
        .await;
        let tls = Tls::from_machine();
        let migrators: Vec<_> = (0..4)
            .map(|_| {
                let (url, tls) = (app.database_url.clone(), tls.clone());
                tokio::spawn(async move { db::migrate::migrate(&url, &tls, None).await.unwrap() })
            })
            .collect();
        let mut ran = Vec::new();
        for migrator in migrators {
            ran.push(migrator.await.unwrap());
        }
        // The first migrator ran all migrations, the others none.
        ran.sort_unstable();
        let migrations = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"));
        assert_eq!(ran, [0, 0, 0, migrations.unwrap().count()]);
        app.user().register().await.ok();
    });
}

/// Constraints are vocabulary, columns are documentation: every one has its name or comment.
#[test]
fn comments_every_table_and_column() {
    test(async |app| {
        let silent = app
            .count(
                "pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped",
                "c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                   AND c.relname <> '__diesel_schema_migrations'
                   AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)",
            )
            .await;
        assert_eq!(silent, 0, "columns without a comment");
    });
}

/// Append-only tables can't be changed by the server's role or by their owner.
#[test]
fn refuses_changes_of_append_only_tables() {
    test(async |app| {
        let (client, connection) =
            tokio_postgres::connect(&app.database_url, tokio_postgres::NoTls)
                .await
                .unwrap();
        tokio::spawn(connection);
        client
            .batch_execute(
                "INSERT INTO audit_log (occurred_at, issuer, actor, roles, action, outcome) VALUES (app_now(), '', '', '{}', 'test', 'APPLIED');
                 INSERT INTO transfers (owner_id, transaction_id, leg, reason, reference_kind, reference_id, origin, currency, amount,
                     debit_wallet, debit_bucket, credit_wallet, credit_bucket, posted_at)
                 SELECT m.owner_id, gen_random_uuid(), 0, 'OPENING_BALANCE', 'test', '', 'SEED', 1, 1, m.id, 'AVAILABLE', t.id, 'AVAILABLE', app_now()
                 FROM wallets m, wallets t WHERE m.currency = 1 AND t.currency = 1 AND m.kind = 'MINING' AND t.kind = 'TREASURY'",
            )
            .await
            .unwrap();
        let changes = [
            "UPDATE transfers SET amount = 2",
            "DELETE FROM transfers",
            "TRUNCATE transfers",
            "UPDATE audit_log SET actor = 'x'",
            "UPDATE audit_log SET actor = 'x', attempts = attempts + 1",
            "UPDATE audit_log SET attempts = 1",
            "DELETE FROM audit_log",
            "TRUNCATE audit_log",
        ];
        for change in changes {
            let error = client.batch_execute(change).await.expect_err(change);
            assert!(
                error
                    .as_db_error()
                    .unwrap()
                    .message()
                    .ends_with("is append-only"),
                "{change}: {error}"
            );
        }
        client.batch_execute("SET ROLE goodgo_app").await.unwrap();
        let more = [
            "UPDATE app_clock SET offset_microseconds = 1",
            "DELETE FROM wallets",
            "DELETE FROM miners",
            "DELETE FROM mining_history",
            "UPDATE wallets SET owner_id = gen_random_uuid()",
            "CREATE TABLE x ()",
        ];
        for change in changes.iter().chain(&more) {
            let error = client.batch_execute(change).await.expect_err(change);
            let message = error.as_db_error().unwrap().message();
            let refusals = ["denied", "must be owner", "is append-only"];
            assert!(
                refusals.iter().any(|refusal| message.contains(refusal)),
                "{change}: {message}"
            );
        }
    });
}
