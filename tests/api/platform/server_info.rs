use serde_json::json;

use crate::support::test;

#[test]
fn returns_version_environment_and_time() {
    test(async |app| {
        let data = app
            .anonymous()
            .get("{ serverInfo { version environment now } }", json!({}))
            .await;
        assert_eq!(data["serverInfo"]["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(data["serverInfo"]["environment"], "DEVELOPMENT");
        assert!(data["serverInfo"]["now"].as_str().unwrap().ends_with('Z'));
    });
}
