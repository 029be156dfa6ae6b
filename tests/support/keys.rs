//! The key discipline: every statement on a keyed table names the key, so that a cluster finds the shard.
//!
//! `docs/SCALE.md` explains the keys. [`problems`] looks at the text of a statement; [`EXCEPTIONS`] are the statements that
//! break the rules for a reason.

use std::collections::BTreeSet;
use std::sync::Mutex;

/// Tables and views with their keys.
const KEYED: &[(&str, &str)] = &[
    ("campaign_ids", "id"),
    ("campaign_treasuries", "owner_id"),
    ("campaign_users", "merchant_id"),
    ("campaigns", "merchant_id"),
    ("circle_invitations", "circle_id"),
    ("circle_members", "circle_id"),
    ("circles", "id"),
    ("clearing_releases", "owner_id"),
    ("dual_control_sums", "owner_id"),
    ("entries", "owner_id"),
    ("house_transfers", "reference"),
    ("idempotency_keys", "home_id"),
    ("miners", "user_id"),
    ("mining_history", "user_id"),
    ("mining_sessions", "user_id"),
    ("orders", "merchant_id"),
    ("outbox", "subject_id"),
    ("owners", "owner_id"),
    ("promotion_rollups", "merchant_id"),
    ("redemptions", "merchant_id"),
    ("referral_codes", "code"),
    ("referrals", "referrer_user_id"),
    ("reversals", "owner_id"),
    ("rewards", "owner_id"),
    ("transfers", "owner_id"),
    ("treasury_fundings", "owner_id"),
    ("user_redemptions", "user_id"),
    ("user_vouchers", "user_id"),
    ("users", "id"),
    ("voucher_codes", "code"),
    ("vouchers", "merchant_id"),
    ("wallets", "owner_id"),
];

/// Parts of statements that break the rules, with the reason; … stands for any text. A part shows what is in place of the
/// key: a condition, or the limit of a list. A statement that locks or changes rows is never excepted, but for
/// [`ANNOUNCER`].
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
        ANNOUNCER,
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
        "circles.updated_at from circles … order by … limit",
        "staff list circles, in pages",
    ),
    (
        "from campaigns where … order by campaigns.ends_at, campaigns.id limit",
        "a job looks for campaigns whose time is over",
    ),
    (
        "from campaigns … order by … limit",
        "people list public offers of all merchants, in pages",
    ),
    (
        "select campaigns.id from campaigns … limit",
        "the number of campaigns that a list has, at most 10,001",
    ),
    (
        "with figures as ( select merchant_id, campaign_id, sum(issued)",
        "staff read numbers of all campaigns",
    ),
    (
        "from (vouchers inner join campaigns on",
        "staff list vouchers, in pages, and people give the bare uuid of one",
    ),
    (
        "select vouchers.merchant_id, vouchers.id from vouchers where",
        "people give the bare uuid of a voucher, and transfers name it",
    ),
    (
        "select distinct merchant_id, campaign_id from ( select merchant_id, campaign_id from vouchers where … limit",
        "a job looks for vouchers whose time is over",
    ),
    (
        "from (redemptions inner join campaigns on",
        "staff and services list redemptions, in pages",
    ),
    (
        "select redemptions.id from redemptions … limit",
        "the number of redemptions that a list has, at most 10,001",
    ),
    (
        "select redemptions.merchant_id, redemptions.id from redemptions where",
        "people give the bare uuid of a redemption, and transfers name it",
    ),
    (
        "from redemptions where … order by redemptions.settle_expires_at, redemptions.id limit",
        "a job looks for redemptions that were not settled in time",
    ),
    (
        "select circles.id from circles … limit",
        "the number of circles that a staff list has, at most 10,001",
    ),
    (
        "referrals.activated_at from referrals … order by … limit",
        "staff list referrals, in pages",
    ),
    (
        "select referrals.id from referrals … limit",
        "the number of referrals that a staff list has, at most 10,001",
    ),
    (
        "select miners.user_id from miners where (miners.id = $1)",
        "people give the public id of a miner; programs send the opaque id",
    ),
    (
        "from (miners inner join users on (miners.user_id = users.id)) … order by … limit",
        "staff lists and the leaderboard read all miners with their names",
    ),
    (
        "from (miners inner join users on (miners.user_id = users.id)) … limit",
        "the number of miners that a staff list has, at most 10,001",
    ),
    (
        "from (miners inner join users on (miners.user_id = users.id)) where (miners.id =",
        "people give the public id of a miner; programs send the opaque id",
    ),
    (
        "select user_id from ( select m.user_id from miners m where m.referral_code like",
        "staff search people by a part of a code, an id or a name",
    ),
    (
        "from ((circle_members inner join miners on",
        "members of circles with their profiles in one statement; a cluster needs two reads",
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
        "cross join lateral ( select * from entries where owner_id = w.owner_id",
        "one page of entries of each wallet in one statement, read along the key",
    ),
    (
        "cross join lateral (select from entries where owner_id = w.owner_id",
        "the number of a wallet's entries that meet a filter, at most 10,001",
    ),
    (
        "where t.transaction_id = any($1) order by t.transaction_id, t.leg",
        "people read a business event by its id, which names no owner",
    ),
    (
        "from transfers where ((transfers.transaction_id = any($1)) and (transfers.leg = $2))",
        "people read a business event by its id, which names no owner",
    ),
    (
        "from transfers t … order by t.posted_at … limit",
        "staff list transfers, in pages",
    ),
    (
        "from ( select from transfers t … limit",
        "the number of transfers that a staff list has, at most 10,001",
    ),
    (
        "select transfers.owner_id from transfers where ((transfers.reference_kind = $1) and",
        "staff and services follow a reference, which names no owner",
    ),
    (
        "from entries where wallet = any($1) group by wallet",
        "staff read balances of accounts of the house, which are sums over all owners",
    ),
    (
        "from entries where wallet = $1 and posted_at < $2",
        "staff read past balances of accounts of the house, which are sums over all owners",
    ),
    (
        "from transfers t where t.posted_at >= $3 and (t.debit_wallet = any($1)",
        "a job counts what all owners were paid from the accounts of the house since the books were closed",
    ),
    (
        "from transfers where (transfers.transaction_id = $1) order by transfers.leg",
        "a reversal finds every transfer of a transaction, whose owners it has to know; two people decide it",
    ),
    (
        "from transfers t, lateral (select case when t.credit_wallet = any($3)",
        "a job sums what moved through the conversion accounts since it last closed its books",
    ),
    (
        "select users.id from users limit",
        "the demo data asks whether there is any user",
    ),
];

/// The statement that announces events of all subjects.
const ANNOUNCER: &str = "pg_advisory_xact_lock(727277)";

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
    let broken: Vec<String> = sent.iter().flat_map(|sql| reported(sql)).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Broken rules of a statement that is not excepted.
pub fn reported(sql: &str) -> Vec<String> {
    if is_excepted(&plain(sql)) {
        Vec::new()
    } else {
        problems(sql)
    }
}

fn is_excepted(sql: &str) -> bool {
    let words = words(sql);
    let is_read = !is_locking(&words) && !words.iter().any(|word| CHANGES.contains(word));
    EXCEPTIONS
        .iter()
        .any(|(parts, _)| (is_read || *parts == ANNOUNCER) && has_in_order(sql, parts))
}

const CHANGES: [&str; 3] = ["insert", "update", "delete"];

fn has_in_order(sql: &str, parts: &str) -> bool {
    let mut rest = Some(sql);
    for part in parts.split(" … ") {
        rest = rest.and_then(|text| Some(text.split_once(part)?.1));
    }
    rest.is_some()
}

/// The text in lower case, without quotes, with single blanks.
fn plain(sql: &str) -> String {
    let sql = sql.to_lowercase().replace('"', "");
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Names with their table, parameters, and single signs.
fn words(plain: &str) -> Vec<&str> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '$');
    let mut words = Vec::new();
    let mut rest = plain;
    while let Some(first) = rest.chars().next() {
        let end = match rest.find(|c| !is_part(c)) {
            Some(0) => first.len_utf8(),
            Some(end) => end,
            None => rest.len(),
        };
        if first != ' ' {
            words.push(&rest[..end]);
        }
        rest = &rest[end..];
    }
    words
}

fn is_locking(words: &[&str]) -> bool {
    words
        .windows(2)
        .any(|pair| matches!(pair, ["for", "update" | "share"]))
        || words
            .windows(3)
            .any(|part| matches!(part, ["for", "no", "key"] | ["for", "key", "share"]))
}

/// Broken rules of a statement, a line each.
pub fn problems(sql: &str) -> Vec<String> {
    let sql = plain(sql);
    let words = words(&sql);
    let mut found = Vec::new();
    let mut complain = |what: &str| found.push(format!("{what}: {sql}"));
    let mut mentioned = 0;
    for (table, key) in KEYED {
        let names = names_of(&words, table);
        if names.is_empty() {
            continue;
        }
        mentioned += 1;
        if !is_keyed(&words, table, key, &names) {
            let how = if is_locking(&words) {
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
    if words.windows(2).any(|pair| pair == ["with", "recursive"]) {
        complain("walks recursively over keyed rows");
    }
    if limits_by_lateral(&words) {
        complain("limits rows per owner by LATERAL");
    }
    if updates_with_volatile(&words) {
        complain("calls a volatile function in an UPDATE");
    }
    found
}

/// Names under which a statement mentions a table: its own, and aliases.
fn names_of<'a>(words: &[&'a str], table: &'a str) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for (place, pair) in words.windows(2).enumerate() {
        if matches!(pair[0], "from" | "join" | "into" | "update" | "," | "(") && pair[1] == table {
            names.insert(table);
            let next = words[place + 2..].iter().find(|word| **word != "as");
            names.extend(next);
        }
    }
    names
}

/// Whether a statement compares the key of a table with values, or joins the table along the key of one that does.
fn is_keyed(words: &[&str], table: &str, key: &str, names: &BTreeSet<&str>) -> bool {
    names_values(words, table, key, names)
        || joined_with(words, key, names).iter().any(|name| {
            let other = KEYED
                .iter()
                .map(|(other, key)| (other, key, names_of(words, other)));
            let mut other = other.filter(|(.., names)| names.contains(name));
            // Other names are those of tables without a key, and of lists of values.
            other.all(|(table, key, names)| names_values(words, table, key, &names))
        })
}

/// Whether a word is the key of a table with these names. Only a key that no other table has may stand without its table.
fn is_column(word: &str, key: &str, names: &BTreeSet<&str>) -> bool {
    match word.split_once('.') {
        Some((name, column)) => column == key && names.contains(name),
        None => word == key && key != "id",
    }
}

fn names_values(words: &[&str], table: &str, key: &str, names: &BTreeSet<&str>) -> bool {
    let compares = |part: &[&str]| {
        is_column(part[0], key, names)
            && matches!(part[1], "=" | "in")
            && (part[2].starts_with('$') || matches!(part[2], "any" | "("))
    };
    let lists = |start: &[&str]| {
        let starts = words.windows(start.len()).enumerate();
        let mut starts = starts.filter(|(_, part)| *part == start);
        starts.any(|(place, _)| {
            let list = words[place + start.len()..].iter();
            list.take_while(|word| **word != ")")
                .any(|word| *word == key)
        })
    };
    words.windows(3).any(compares) || lists(&["using", "("]) || lists(&["into", table, "("])
}

/// Names of the tables with whose columns a key is compared.
fn joined_with<'a>(words: &[&'a str], key: &str, names: &BTreeSet<&str>) -> Vec<&'a str> {
    let sides = words.windows(3).filter(|part| part[1] == "=");
    let other = sides.filter_map(|part| {
        match (
            is_column(part[0], key, names),
            is_column(part[2], key, names),
        ) {
            (true, _) => Some(part[2]),
            (false, true) => Some(part[0]),
            (false, false) => None,
        }
    });
    other
        .filter_map(|column| Some(column.split_once('.')?.0))
        .collect()
}

/// Whether a subquery behind LATERAL takes a limited number of keyed rows.
fn limits_by_lateral(words: &[&str]) -> bool {
    let behind = words.split(|word| *word == "lateral").skip(1);
    behind.into_iter().any(|query| {
        let table = query.windows(2).find(|pair| pair[0] == "from");
        let is_keyed = table.is_some_and(|pair| KEYED.iter().any(|(table, _)| *table == pair[1]));
        is_keyed && query.contains(&"limit")
    })
}

fn updates_with_volatile(words: &[&str]) -> bool {
    const VOLATILE: [&str; 6] = [
        "app_now",
        "clock_timestamp",
        "now",
        "random",
        "nextval",
        "gen_random_uuid",
    ];
    let update = words
        .windows(2)
        .position(|pair| !matches!(pair[0], "for" | "key") && pair[1] == "update");
    let update = update.map(|place| place + 1);
    let update = update.or_else(|| (words.first() == Some(&"update")).then_some(0));
    let Some(set) = update.and_then(|update| {
        let set = words[update..].iter().position(|word| *word == "set");
        set.map(|set| update + set)
    }) else {
        return false;
    };
    words[set..]
        .windows(2)
        .any(|pair| VOLATILE.contains(&pair[0]) && pair[1] == "(")
}
