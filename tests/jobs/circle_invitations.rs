//! Invitations that nobody answered are stored as expired, in batches, once, and without waiting for anybody.

use db::mining::commands::circle_invitations_expire;

use crate::support::{TestApp, test};

/// Circles with so many pending invitations each, sent so long ago.
async fn pending(app: &TestApp, circles: u32, each: u32, age: &str) {
    app.sql(&format!(
        "WITH person AS (INSERT INTO users (id, display_name, registered_at)
             SELECT gen_random_uuid(), 'P', app_now() FROM generate_series(1, {circles} + {each}) RETURNING id),
         miner AS (INSERT INTO miners (id, user_id, role, status, lifetime_points, current_streak, longest_streak,
                 freeze_tokens, is_grace_period, milestones_paid, referral_code, version, created_at, updated_at)
             SELECT gen_random_uuid(), id, 'PIONEER', 'ACTIVE', 0, 0, 0, 0, false, '{{}}',
                    'TST' || translate(upper(substr(md5(id::text), 1, 5)), '01', 'XY'), 1, app_now(), app_now()
             FROM person RETURNING id),
         numbered AS (SELECT id, row_number() OVER () AS n FROM miner),
         circle AS (INSERT INTO circles (id, owner_id, name, status, member_count, version, created_at, updated_at)
             SELECT gen_random_uuid(), id, 'C', 'INCOMPLETE', 1, 1, app_now(), app_now() FROM numbered WHERE n <= {circles}
             RETURNING id, owner_id),
         member AS (INSERT INTO circle_members (id, circle_id, miner_id, joined_at)
             SELECT gen_random_uuid(), id, owner_id, app_now() FROM circle)
         INSERT INTO circle_invitations (id, circle_id, invitee_id, status, created_at, expires_at)
         SELECT gen_random_uuid(), c.id, m.id, 'PENDING', app_now() - interval '{age}', app_now() - interval '{age}' + interval '7 days'
         FROM circle c, numbered m WHERE m.n > {circles}"
    ))
    .await;
}

async fn run_once(app: &TestApp) -> usize {
    let stored = app.db.write("test.expire", async move |tx| {
        circle_invitations_expire(tx).await
    });
    stored.await.unwrap()
}

const EXPIRED: &str =
    "SELECT count(*) FROM circle_invitations WHERE status = 'EXPIRED' AND decided_at IS NULL";

#[test]
fn all_that_are_due_are_stored_once_and_told() {
    test(async |app| {
        pending(app, 60, 10, "8 days").await;
        pending(app, 5, 10, "6 days").await;
        let mut batches = Vec::new();
        loop {
            let stored = run_once(app).await;
            if stored == 0 {
                break;
            }
            batches.push(stored);
        }
        // The server's own job may have been quicker with some of them.
        assert!(batches.iter().all(|stored| *stored <= 500), "{batches:?}");
        app.until_number(EXPIRED, 600).await;
        let pending = "SELECT count(*) FROM circle_invitations WHERE status = 'PENDING'";
        assert_eq!(app.number(pending).await, 50);
        let told = "SELECT count(*) FROM outbox o JOIN circles c ON c.id = o.subject_id
            WHERE o.name = 'CircleInvitationExpired' AND o.sequence BETWEEN 2 AND c.version";
        assert_eq!(app.number(told).await, 600);
        let versions = "SELECT count(*) FROM circles WHERE version = 11";
        assert_eq!(app.number(versions).await, 60);
    });
}

#[test]
fn several_at_once_store_each_once() {
    test(async |app| {
        pending(app, 40, 10, "8 days").await;
        let stored = tokio::join!(run_once(app), run_once(app), run_once(app));
        assert!(stored.0 + stored.1 + stored.2 <= 400, "{stored:?}");
        // What they left to each other.
        while run_once(app).await > 0 {}
        app.until_number(EXPIRED, 400).await;
        let told = "SELECT count(DISTINCT (subject_id, sequence)) FROM outbox WHERE name = 'CircleInvitationExpired'";
        assert_eq!(app.number(told).await, 400);
    });
}
