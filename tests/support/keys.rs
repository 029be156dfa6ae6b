//! The key discipline: every statement on a keyed table names the key, so that a cluster finds the shard.
//!
//! `docs/SCALE.md` explains the keys. [`problems`] looks at the text of a statement; [`EXCEPTIONS`] are the statements that
//! break the rules for a reason.

use std::collections::BTreeSet;
use std::sync::Mutex;

use regex::Regex;

/// Tables and views with their keys.
const KEYED: &[(&str, &str)] = &[
    ("circle_invitations", "circle_id"),
    ("circle_members", "circle_id"),
    ("circles", "id"),
    ("entries", "owner_id"),
    ("idempotency_keys", "home_id"),
    ("miners", "user_id"),
    ("mining_history", "user_id"),
    ("mining_sessions", "user_id"),
    ("outbox", "subject_id"),
    ("owners", "owner_id"),
    ("referral_codes", "code"),
    ("referrals", "referrer_user_id"),
    ("transfers", "owner_id"),
    ("users", "id"),
    ("wallets", "owner_id"),
];

/// Parts of statements that break the rules, with the reason. A statement that locks rows is never excepted.
pub const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "select * from public.",
        "the checker's rules read whole tables; `goodgo verify --owner` and `--shard` read parts",
    ),
    (
        "select (select count(*) from transfers",
        "the checker counts what it read, once a run",
    ),
    (
        "pg_advisory_xact_lock(727277)",
        "one announcer at a time looks for new events of all subjects",
    ),
    (
        "from outbox where announced_at is null order by",
        "a metric reads the oldest waiting event of all subjects from partial indexes",
    ),
    (
        "from mining_sessions where status =",
        "a job looks for sessions that completed or expired",
    ),
    (
        "select circle_invitations.circle_id from circle_invitations where",
        "a job looks for expired invitations; people give an id without its circle",
    ),
    (
        "circle_invitations.invitee_user_id = $1",
        "invitations are keyed by circle; their invitee has at most 50 pending ones",
    ),
    (
        "circles.updated_at from circles",
        "staff list circles, in pages",
    ),
    (
        "select circles.id from circles",
        "the number of circles that a staff list has, at most 10,001",
    ),
    (
        "referrals.activated_at from referrals",
        "staff list referrals, in pages",
    ),
    (
        "select referrals.id from referrals",
        "the number of referrals that a staff list has, at most 10,001",
    ),
    (
        "select miners.user_id from miners where (miners.id = $1)",
        "people give the public id of a miner; programs send the opaque id",
    ),
    (
        "select 1 from miners where status = 'active' and lifetime_points >=",
        "a place in the leaderboard, exact up to 10,000",
    ),
    (
        "order by lifetime_points desc, created_at, id) as rank",
        "the histogram of the leaderboard, once a minute",
    ),
    (
        "cross join lateral ( select sequence, transaction_id, side",
        "one page of entries of each wallet in one statement, read along the key",
    ),
    (
        "select users.id from users limit",
        "the demo data asks whether there is any user",
    ),
];

/// Statements that the process sent.
static SENT: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Starts to collect the statements of the process.
pub fn watch() {
    db::operation_trace::watch_statements(|text| {
        SENT.lock().unwrap().insert(text);
    });
}

/// Fails when a statement that was sent breaks a rule.
pub fn check() {
    let sent = std::mem::take(&mut *SENT.lock().unwrap());
    let broken: Vec<String> = sent
        .iter()
        .filter(|sql| !is_excepted(&plain(sql)))
        .flat_map(|sql| problems(sql))
        .collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

fn is_excepted(sql: &str) -> bool {
    !is_locking(sql) && EXCEPTIONS.iter().any(|(part, _)| sql.contains(part))
}

fn is_locking(sql: &str) -> bool {
    regex(r"\bfor (no key update|update|share|key share)\b").is_match(sql)
}

/// The text in lower case, without quotes, with single blanks.
fn plain(sql: &str) -> String {
    let sql = sql.to_lowercase().replace('"', "");
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

/// What a statement breaks, a line each.
pub fn problems(sql: &str) -> Vec<String> {
    let sql = plain(sql);
    let mut found = Vec::new();
    let mut complain = |what: &str| found.push(format!("{what}: {sql}"));
    let is_locking = is_locking(&sql);
    let mut mentioned = 0;
    for (table, key) in KEYED {
        let mentions = regex(&format!(
            r"\b(?:from|join|into|update|,)\s+{table}\b(?:\s+(?:as\s+)?(\w+))?"
        ));
        let mut names = BTreeSet::new();
        for mention in mentions.captures_iter(&sql) {
            names.insert((*table).to_owned());
            names.extend(mention.get(1).map(|alias| alias.as_str().to_owned()));
        }
        if names.is_empty() {
            continue;
        }
        mentioned += 1;
        let names = names.into_iter().collect::<Vec<_>>().join("|");
        // Only a key that no other table has may stand without its table.
        let column = if *key == "id" {
            format!(r"(?:{names})\.{key}")
        } else {
            format!(r"(?:\b(?:{names})\.|(?:^|[\s(])){key}")
        };
        let is_keyed = [
            format!(r"{column}\s*(?:=|in\b)"),
            format!(r"(?:=|in)\s*{column}\b"),
            format!(r"\busing \((?:[^)]*,\s*)?{key}\b"),
            format!(r"\binto {table}\b[^(]*\([^)]*\b{key}\b"),
        ]
        .iter()
        .any(|pattern| regex(pattern).is_match(&sql));
        if !is_keyed {
            let how = if is_locking {
                "locks"
            } else {
                "reads or writes"
            };
            complain(&format!("{how} {table} without naming {key}"));
        }
    }
    if mentioned == 0 {
        return found;
    }
    if regex(r"\bwith recursive\b").is_match(&sql) {
        complain("walks recursively over keyed rows");
    }
    let keyed: Vec<_> = KEYED.iter().map(|(table, _)| *table).collect();
    let limited = format!(
        r"\blateral \([^()]*\bfrom ({})\b.*\blimit\b",
        keyed.join("|")
    );
    if regex(&limited).is_match(&sql) {
        complain("limits rows per owner by LATERAL");
    }
    let volatile =
        r"\bupdate \w+.*\bset\b.*\b(app_now|clock_timestamp|now|random|nextval|gen_random_uuid)\(";
    if regex(volatile).is_match(&sql) {
        complain("calls a volatile function in an UPDATE");
    }
    found
}
