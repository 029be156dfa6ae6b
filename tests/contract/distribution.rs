//! The keys of the tables fit the cluster over which `script/distribute.sql` distributes them (docs/SCALE.md).

use tokio_postgres::Client;

use crate::support::{TestApp, test};

const SCRIPT: &str = include_str!("../../script/distribute.sql");

/// Listed tables and their partitions, each with the number and the type of its key.
const RELATIONS: &str = "CREATE TEMPORARY VIEW relations AS
    SELECT d.*, c.oid, key.attnum, key.atttypid
    FROM distribution d
    JOIN pg_class c ON c.oid = to_regclass(d.name)
        OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = to_regclass(d.name))
    LEFT JOIN pg_attribute key ON key.attrelid = c.oid AND key.attname = d.key";

const LISTED: &str = "a table is listed";
const FOUND: &str = "a listed table exists and has its key";
const PRIMARY: &str = "a primary key begins with the key";
const UNIQUE: &str = "a unique index contains the key";
const GROUP: &str = "tables on the same shards have keys of one type and follow the first of them";
const FOREIGN: &str =
    "a foreign key leads along the key, to an earlier table or to a reference table";
const TRIGGER: &str = "a distributed table has no trigger but those of its partitions";

/// Rules of the cluster, each with the query of what breaks it.
const RULES: [(&str, &str); 7] = [
    (
        LISTED,
        "SELECT c.relname::text FROM pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND c.relname <> '__diesel_schema_migrations'
           AND NOT EXISTS (SELECT FROM distribution WHERE name = c.relname)",
    ),
    (
        FOUND,
        "SELECT name FROM distribution WHERE to_regclass(name) IS NULL
         UNION ALL SELECT oid::regclass::text FROM relations WHERE kind = 'distributed' AND attnum IS NULL",
    ),
    (
        PRIMARY,
        "SELECT r.oid::regclass::text FROM relations r
         WHERE r.kind = 'distributed' AND NOT EXISTS (
             SELECT FROM pg_index i WHERE i.indrelid = r.oid AND i.indisprimary AND i.indkey[0] = r.attnum)",
    ),
    (
        UNIQUE,
        "SELECT i.indexrelid::regclass::text FROM relations r JOIN pg_index i ON i.indrelid = r.oid
         WHERE r.kind = 'distributed' AND (i.indisunique OR i.indisexclusion)
           AND r.attnum <> ALL ((i.indkey::int2[])[0:i.indnkeyatts - 1])",
    ),
    (
        GROUP,
        "SELECT r.oid::regclass::text FROM relations r
         WHERE r.kind = 'distributed' AND NOT EXISTS (
             SELECT FROM relations f
             WHERE f.name = r.shards AND f.shards = f.name AND f.position <= r.position AND f.atttypid = r.atttypid)",
    ),
    (
        FOREIGN,
        "SELECT f.conrelid::regclass || ' ' || f.conname
         FROM pg_constraint f JOIN relations r ON r.oid = f.conrelid JOIN relations t ON t.oid = f.confrelid
         WHERE f.contype = 'f' AND NOT CASE
             WHEN t.kind = 'reference' THEN true
             WHEN t.kind = 'coordinator' THEN r.kind = 'coordinator'
             ELSE r.kind = 'distributed' AND t.shards = r.shards AND t.position <= r.position
                 AND f.confupdtype IN ('a', 'r') AND f.confdeltype IN ('a', 'r', 'c')
                 AND EXISTS (
                     SELECT FROM unnest(f.conkey, f.confkey) AS pair (own, others)
                     WHERE pair.own = r.attnum AND pair.others = t.attnum)
         END",
    ),
    (
        TRIGGER,
        "SELECT d.name || ' ' || t.tgname FROM distribution d JOIN pg_trigger t ON t.tgrelid = to_regclass(d.name)
         WHERE d.kind <> 'coordinator' AND NOT t.tgisinternal",
    ),
];

/// A connection that has the list of the script.
async fn connect(app: &TestApp) -> Client {
    let start = SCRIPT.find("CREATE TEMPORARY TABLE distribution").unwrap();
    let end = SCRIPT.find("\nBEGIN;").unwrap();
    let client = app.connect().await;
    client.batch_execute(&SCRIPT[start..end]).await.unwrap();
    client.batch_execute(RELATIONS).await.unwrap();
    client
}

/// Violations, each with the rule that it breaks.
async fn broken(client: &Client) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for (rule, query) in RULES {
        let rows = client.query(query, &[]).await.unwrap();
        found.extend(rows.iter().map(|row| (rule, row.get::<_, String>(0))));
    }
    found
}

#[test]
fn lists_every_table_with_a_fitting_key() {
    test(async |app| {
        let client = connect(app).await;
        let found = broken(&client).await;
        assert!(found.is_empty(), "{found:?}");
    });
}

#[test]
fn reports_tables_that_do_not_fit() {
    test(async |app| {
        let client = connect(app).await;
        let changes = [
            (LISTED, "CREATE TABLE stray (id uuid PRIMARY KEY)"),
            (
                FOUND,
                "DELETE FROM distribution WHERE name = 'jobs'; INSERT INTO distribution (name, kind) VALUES ('tasks', 'coordinator')",
            ),
            (
                FOUND,
                "UPDATE distribution SET key = 'owner' WHERE name = 'wallets'",
            ),
            (
                PRIMARY,
                "UPDATE distribution SET key = 'id' WHERE name = 'wallets'",
            ),
            (
                UNIQUE,
                "CREATE UNIQUE INDEX ON circle_members (user_id) WHERE left_at IS NULL",
            ),
            (
                GROUP,
                "UPDATE distribution SET shards = 'owners' WHERE name = 'referral_codes'",
            ),
            (
                FOREIGN,
                "UPDATE distribution SET shards = 'circle_members' WHERE name = 'circle_members'",
            ),
            (
                FOREIGN,
                "ALTER TABLE referrals ADD FOREIGN KEY (referred_user_id) REFERENCES miners (user_id)",
            ),
            (
                FOREIGN,
                "ALTER TABLE miners ADD FOREIGN KEY (circle_id) REFERENCES circles (id)",
            ),
            (
                FOREIGN,
                "ALTER TABLE approvals ADD FOREIGN KEY (subject) REFERENCES users (id)",
            ),
            (
                FOREIGN,
                "UPDATE distribution SET kind = 'coordinator', key = NULL, shards = NULL WHERE name = 'users'",
            ),
            (
                TRIGGER,
                "CREATE TRIGGER append_only BEFORE UPDATE ON mining_history FOR EACH ROW EXECUTE FUNCTION refuse_change()",
            ),
        ];
        for (rule, change) in changes {
            client.batch_execute("BEGIN").await.unwrap();
            client.batch_execute(change).await.unwrap();
            let found = broken(&client).await;
            assert!(
                found.iter().any(|(of, _)| *of == rule),
                "{change}: {found:?}"
            );
            client.batch_execute("ROLLBACK").await.unwrap();
        }
    });
}
