use domain::access::{Role, Scope};
use serde_json::{Value, json};

use crate::support::test;

const LIST: &str = "query ($filter: CircleFilter, $first: Int, $after: String, $offset: Int) {
    circles(filter: $filter, first: $first, after: $after, offset: $offset) {
        totalCount pageInfo { hasNextPage endCursor } nodes { name status } } }";

fn names(list: &Value) -> Vec<&str> {
    let nodes = list["circles"]["nodes"].as_array().unwrap();
    nodes
        .iter()
        .map(|node| node["name"].as_str().unwrap())
        .collect()
}

#[test]
fn lists_newest_first_in_pages_and_by_filter() {
    test(async |app| {
        let staff = app.support();
        let [first, ..] = app.circle::<3>().await;
        for (name, disbanded) in [
            ("100% night", false),
            ("Day shift", true),
            ("day_two", false),
        ] {
            let [owner] = app.circle().await;
            owner.rename(name).await.ok();
            if disbanded {
                owner.disband().await.ok();
            }
        }
        first.rename("NIGHT watch").await.ok();
        let page = staff.get(LIST, json!({"first": 3})).await;
        assert_eq!(names(&page), ["day_two", "Day shift", "100% night"]);
        assert_eq!(page["circles"]["totalCount"], 4);
        let after = &page["circles"]["pageInfo"]["endCursor"];
        let rest = staff.get(LIST, json!({"first": 3, "after": after})).await;
        assert_eq!(names(&rest), ["NIGHT watch"]);
        assert_eq!(rest["circles"]["pageInfo"]["hasNextPage"], false);
        let rest = staff.get(LIST, json!({"first": 3, "offset": 3})).await;
        assert_eq!(names(&rest), ["NIGHT watch"]);
        for (filter, expected) in [
            (
                json!({"search": "night"}),
                vec!["100% night", "NIGHT watch"],
            ),
            (json!({"search": " 0% "}), vec!["100% night"]),
            (json!({"search": "y_"}), vec!["day_two"]),
            (
                json!({"search": " "}),
                vec!["day_two", "Day shift", "100% night", "NIGHT watch"],
            ),
            (json!({"status": "ACTIVE"}), vec!["NIGHT watch"]),
            (
                json!({"status": "DISBANDED", "search": "DAY"}),
                vec!["Day shift"],
            ),
        ] {
            let page = staff
                .get(LIST, json!({"first": 10, "filter": filter}))
                .await;
            assert_eq!(names(&page), expected, "{filter}");
            assert_eq!(page["circles"]["totalCount"], expected.len());
        }
    });
}

#[test]
fn refuses_others_than_staff_and_bad_filters() {
    test(async |app| {
        let [alice] = app.circle().await;
        for (who, code) in [
            (app.anonymous(), "UNAUTHENTICATED"),
            (alice.actor(), "FORBIDDEN"),
            (app.service(&Scope::ALL), "FORBIDDEN"),
        ] {
            assert_eq!(who.ask(LIST, json!({"first": 1})).await.code(), code);
        }
        let staff = app.person(&[Role::Finance]);
        for bad in [
            json!({}),
            json!({"first": 1, "filter": {"search": "x".repeat(101)}}),
            json!({"first": 1, "filter": {"search": "a\u{0}"}}),
        ] {
            assert_eq!(staff.ask(LIST, bad).await.code(), "BAD_USER_INPUT");
        }
    });
}

#[test]
fn finds_names_of_every_script_in_any_case() {
    test(async |app| {
        let [first] = app.circle().await;
        let [second] = app.circle().await;
        first.rename("ĐỘI Vàng").await.ok();
        second
            .run(
                "circleRename",
                json!({"name": "Ночной \u{110}o\u{323}\u{302}i"}),
            )
            .await
            .ok();
        for (search, expected) in [
            ("đội", vec!["Ночной Đội", "ĐỘI Vàng"]),
            ("O\u{323}\u{302}I V", vec!["ĐỘI Vàng"]),
            ("НОЧ", vec!["Ночной Đội"]),
            ("doi", vec![]),
        ] {
            let filter = json!({"first": 9, "filter": {"search": search}});
            let page = app.support().get(LIST, filter).await;
            assert_eq!(names(&page), expected, "{search}");
        }
        let hidden = json!({"first": 9, "filter": {"search": "a\u{202E}"}});
        assert_eq!(
            app.support().ask(LIST, hidden).await.code(),
            "BAD_USER_INPUT"
        );
    });
}
