//! The job that stores expired invitations: in batches, each once, without waiting for locks.

use db::mining::circle::commands::circle_invitations_expire;

use crate::support::{TestApp, test};

/// Stores circles with a number of pending invitations of an age each.
async fn pending(app: &TestApp, circles: u32, each: u32, age: &str) {
    app.sql(&format!(
        "WITH person AS (INSERT INTO users (id, display_name, display_name_folded, registered_at)
             SELECT gen_random_uuid(), 'P', 'p', app_now() FROM generate_series(1, {circles} + {each}) RETURNING id),
         miner AS (INSERT INTO miners (id, user_id, role, status, lifetime_points, current_streak, longest_streak,
                 freeze_tokens, is_grace_period, milestones_paid, referral_code, version, created_at, updated_at)
             SELECT gen_random_uuid(), id, 'PIONEER', 'ACTIVE', 0, 0, 0, 0, false, '{{}}',
                    'TST' || translate(upper(substr(md5(id::text), 1, 5)), '01', 'XY'), 1, app_now(), app_now()
             FROM person RETURNING id, user_id),
         numbered AS (SELECT id, user_id, row_number() OVER () AS n FROM miner),
         circle AS (INSERT INTO circles (id, owner_user_id, owner_miner_id, name, name_folded, status, member_count, version, created_at, updated_at)
             SELECT gen_random_uuid(), user_id, id, 'C', 'c', 'INCOMPLETE', 1, 1, app_now(), app_now() FROM numbered WHERE n <= {circles}
             RETURNING *),
         member AS (INSERT INTO circle_members (id, circle_id, user_id, miner_id, joined_at)
             SELECT gen_random_uuid(), id, owner_user_id, owner_miner_id, app_now() FROM circle)
         INSERT INTO circle_invitations (id, circle_id, invitee_user_id, invitee_miner_id, status, created_at, expires_at)
         SELECT gen_random_uuid(), c.id, m.user_id, m.id, 'PENDING', app_now() - interval '{age}', app_now() - interval '{age}' + interval '7 days'
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

/// Runs batches until nothing is due; returns the size of each.
async fn run_all(app: &TestApp) -> Vec<usize> {
    let mut batches = Vec::new();
    for _ in 0..100 {
        match run_once(app).await {
            0 => return batches,
            stored => batches.push(stored),
        }
    }
    panic!("invitations are still due after {batches:?}");
}

async fn until_expired(app: &TestApp, count: i64) {
    let expired = "status = 'EXPIRED' AND decided_at IS NULL";
    app.until_count("circle_invitations", expired, count).await;
}

#[test]
fn stores_all_due_invitations_once_with_events() {
    test(async |app| {
        pending(app, 60, 10, "8 days").await;
        pending(app, 5, 10, "6 days").await;
        let batches = run_all(app).await;
        assert!(batches.iter().all(|stored| *stored <= 500), "{batches:?}");
        // The server's own job may have stored some of them.
        until_expired(app, 600).await;
        let pending = app.count("circle_invitations", "status = 'PENDING'").await;
        assert_eq!(pending, 50);
        let mut versions = std::collections::HashMap::new();
        for event in app.events("CircleInvitationExpired").await {
            let last = versions.entry(event.subject_id).or_insert(1);
            assert_eq!(event.sequence, *last + 1);
            *last = event.sequence;
        }
        assert_eq!(versions.len(), 60);
        assert!(versions.values().all(|last| *last == 11));
        assert_eq!(app.count("circles", "version = 11").await, 60);
    });
}

#[test]
fn stores_each_once_of_three_runs_at_once() {
    test(async |app| {
        pending(app, 40, 10, "8 days").await;
        let stored = tokio::join!(run_once(app), run_once(app), run_once(app));
        assert!(stored.0 + stored.1 + stored.2 <= 400, "{stored:?}");
        // Invitations that the runs left to each other.
        run_all(app).await;
        until_expired(app, 400).await;
        let events = app.events("CircleInvitationExpired").await;
        let numbers: std::collections::HashSet<_> = events
            .iter()
            .map(|event| (&event.subject_id, event.sequence))
            .collect();
        assert_eq!((events.len(), numbers.len()), (400, 400));
    });
}
