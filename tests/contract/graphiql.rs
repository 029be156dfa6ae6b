//! GraphiQL: its examples return data, and the committed files match their sources.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Actor, test};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("web-admin/graphiql")
}

/// An example as its files have it.
struct Example {
    name: String,
    actor: String,
    query: String,
    variables: Value,
}

fn examples() -> Vec<Example> {
    let folder = root().join("examples");
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let (queries, variables): (Vec<_>, Vec<_>) = names
        .into_iter()
        .partition(|name| name.ends_with(".graphql"));
    for name in &variables {
        let query = name.replace(".json", ".graphql");
        assert!(queries.contains(&query), "{name} belongs to nothing");
    }
    queries
        .into_iter()
        .map(|name| {
            let query = std::fs::read_to_string(folder.join(&name)).unwrap();
            let variables = std::fs::read_to_string(folder.join(name.replace(".graphql", ".json")));
            let variables = variables.map_or(json!({}), |text| {
                serde_json::from_str(&text.replace("<fresh>", &name)).unwrap()
            });
            let mut lines = query.lines();
            let heading = lines.next().unwrap();
            assert!(
                heading.starts_with("# ") && heading.contains(": "),
                "{name} begins with its group and its title"
            );
            let actor = lines.next().and_then(|line| line.strip_prefix("# As: "));
            let actor = actor.unwrap_or_else(|| panic!("{name} says whom it is for"));
            Example {
                actor: actor.to_owned(),
                name,
                query,
                variables,
            }
        })
        .collect()
}

/// The id that a person puts in place of `<hold>`.
async fn newest_hold(service: &Actor) -> String {
    let query = "{ holds(first: 1, filter: {status: HELD}) { nodes { id } } }";
    let holds = service.get(query, json!({})).await;
    holds["holds"]["nodes"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// The id that the page puts in place of `<bob>`.
async fn person_of(bob: &Actor) -> String {
    let seen = bob.get("{ viewer { user { uuid } } }", json!({})).await;
    seen["viewer"]["user"]["uuid"].as_str().unwrap().to_owned()
}

#[test]
fn answers_every_example_in_graphiql() {
    test(async |app| {
        db::demo::seed_people(&app.db).await.unwrap();
        let people: Value = reqwest::get(app.url("/graphiql/people"))
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let mut actors: BTreeMap<&str, Actor> = people
            .as_array()
            .unwrap()
            .iter()
            .map(|person| {
                let token = person["token"].as_str().unwrap().to_owned();
                let actor = Actor::new(app.address(), Some(token), None);
                (person["name"].as_str().unwrap(), actor)
            })
            .collect();
        actors.insert("anybody", app.anonymous());
        let examples = examples();
        assert!(examples.len() > 10);
        for example in examples {
            let name = &example.name;
            let actor = actors
                .get(example.actor.as_str())
                .unwrap_or_else(|| panic!("{name} is for {}, who is nobody", example.actor));
            if example.query.contains("\nsubscription ") {
                assert_eq!(example.variables, json!({}), "{name}");
                let mut socket = actor.socket().await;
                socket.subscribe("1", &example.query).await;
                socket.settle().await;
                continue;
            }
            let hold = newest_hold(&actors["service"]).await;
            let bob = person_of(&actors["bob"]).await;
            let variables = example.variables.to_string();
            let variables = variables.replace("<bob>", &bob).replace("<hold>", &hold);
            let variables = serde_json::from_str(&variables).unwrap();
            let answer = actor.ask(&example.query, variables).await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.body);
            assert_eq!(answer.refusals(), Vec::<&str>::new(), "{name}");
            answer.data();
        }
    });
}

#[test]
fn matches_the_sources_of_graphiql() {
    let mut names = Vec::new();
    walk(&root(), "", &mut names);
    names.sort();
    let mut list = String::new();
    for name in names {
        let contents = std::fs::read(root().join(&name)).unwrap();
        writeln!(list, "{:x}  {name}", Sha256::digest(contents)).unwrap();
    }
    let built = std::fs::read_to_string(root().join("dist/sources.sha256")).unwrap();
    let present = format!("{:x}", Sha256::digest(list));
    assert_eq!(
        built.trim(),
        present,
        "web-admin/graphiql changed since it was built: run script/generate where Node is, and commit dist"
    );
}

/// Every source, as `build.mjs` lists them.
fn walk(folder: &Path, within: &str, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        if ["dist", "node_modules"].contains(&name.as_str()) {
            continue;
        }
        let path = format!("{within}{name}");
        if entry.path().is_dir() {
            walk(&entry.path(), &format!("{path}/"), names);
        } else {
            names.push(path);
        }
    }
}
