//! The key discipline itself; the harness checks the statements of every test.

use crate::support::keys::{EXCEPTIONS, problems, reported};

#[test]
fn accepts_statements_that_name_their_key() {
    for sql in [
        "SELECT version FROM miners WHERE user_id = $1 FOR NO KEY UPDATE",
        r#"SELECT "miners"."id" FROM "miners" WHERE ("miners"."user_id" = ANY($1)) ORDER BY "miners"."user_id""#,
        "SELECT u.display_name FROM miners m JOIN users u ON u.id = m.user_id WHERE m.user_id = $1",
        r#"UPDATE "circles" SET "name" = $1 WHERE ("circles"."id" = $2)"#,
        "INSERT INTO outbox (subject_id, day) VALUES ($1, $2)",
        "UPDATE wallets w SET held = n.held FROM unnest($1, $2) AS n (owner_id, id) WHERE w.owner_id = n.owner_id AND w.id = n.id",
        "UPDATE jobs SET due_at = clock_timestamp() WHERE name = $1",
    ] {
        assert_eq!(problems(sql), Vec::<String>::new());
    }
}

#[test]
fn finds_statements_that_do_not() {
    for (sql, problem) in [
        (
            r#"SELECT "miners"."version" FROM "miners" WHERE ("miners"."id" = $1) FOR NO KEY UPDATE"#,
            "locks miners",
        ),
        (
            "SELECT id FROM wallets WHERE id = $1",
            "reads or writes wallets",
        ),
        (
            "UPDATE circles SET name = $1 FROM circle_members WHERE circle_members.id = $2",
            "reads or writes circles",
        ),
        (
            "INSERT INTO transfers (transaction_id, leg) VALUES ($1, $2)",
            "reads or writes transfers",
        ),
        (
            "SELECT h.* FROM miners m CROSS JOIN LATERAL (SELECT * FROM mining_history h WHERE h.user_id = m.user_id LIMIT 3) h WHERE m.user_id = ANY($1)",
            "limits rows per owner",
        ),
        (
            "WITH RECURSIVE line AS (SELECT referred_by FROM miners WHERE user_id = $1 UNION SELECT m.referred_by FROM miners m JOIN line ON m.user_id = line.referred_by) SELECT 1 FROM line",
            "walks recursively",
        ),
        (
            "UPDATE miners SET updated_at = app_now() WHERE user_id = $1",
            "calls a volatile function",
        ),
    ] {
        let found = problems(sql);
        assert!(
            found.iter().any(|found| found.starts_with(problem)),
            "{sql}: {found:?}"
        );
    }
}

#[test]
fn excepts_lists_and_no_look_ups_without_a_key() {
    let list = r#"SELECT "circles"."id", "circles"."updated_at" FROM "circles" WHERE ("circles"."status" = $1) ORDER BY "circles"."created_at" DESC LIMIT $2"#;
    assert_eq!(reported(list), Vec::<String>::new());
    for look_up in [
        r#"SELECT "circles"."id", "circles"."updated_at" FROM "circles" WHERE ("circles"."name" = $1)"#,
        r#"SELECT "referrals"."id", "referrals"."activated_at" FROM "referrals" WHERE ("referrals"."id" = $1)"#,
        r#"SELECT "miners"."id" FROM ("miners" INNER JOIN "users" ON ("miners"."user_id" = "users"."id")) WHERE ("miners"."referral_code" = $1)"#,
        "UPDATE mining_sessions SET status = $1 FROM mining_sessions WHERE status = $2",
        "DELETE FROM circles WHERE status = $1 ORDER BY id LIMIT $2",
    ] {
        assert!(!reported(look_up).is_empty(), "{look_up}");
    }
}

#[test]
fn gives_a_reason_for_every_exception() {
    for (part, reason) in EXCEPTIONS {
        assert!(reason.len() > 20, "{part}");
        assert_eq!(
            part.to_lowercase(),
            *part,
            "the text is compared in lower case"
        );
    }
}
