use domain::access::{Role, Scope};
use serde_json::{Value, json};

use super::circling::{circle_of, must};
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
fn newest_first_by_pages_filters_and_names() {
    test(async |app| {
        let staff = app.person(&[Role::Support]);
        let [first, ..] = circle_of::<3>(app).await;
        for (name, disbanded) in [
            ("100% night", false),
            ("Day shift", true),
            ("day_two", false),
        ] {
            let [owner] = circle_of(app).await;
            must(&owner.actor, "circleRename", json!({"name": name})).await;
            if disbanded {
                owner.disband().await;
            }
        }
        must(&first.actor, "circleRename", json!({"name": "NIGHT watch"})).await;
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
fn is_for_staff() {
    test(async |app| {
        let [alice] = circle_of(app).await;
        for (who, code) in [
            (app.anonymous(), "UNAUTHENTICATED"),
            (alice.actor, "FORBIDDEN"),
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
