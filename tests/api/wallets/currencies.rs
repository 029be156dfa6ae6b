use serde_json::json;

use crate::support::test;

#[test]
fn returns_the_currencies_of_the_ledger() {
    test(async |app| {
        let data = app
            .anonymous()
            .get("{ currencies { code scale displayDecimals } }", json!({}))
            .await;
        let shown: Vec<_> = data["currencies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|currency| {
                format!(
                    "{} {} {}",
                    currency["code"].as_str().unwrap(),
                    currency["scale"],
                    currency["displayDecimals"]
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "FUZE 6 6",
                "FZ 4 4",
                "MP 4 4",
                "PPOINT 4 4",
                "PT 4 4",
                "STAR 0 0",
                "USD 6 6",
                "USDT 6 6",
                "VND 6 0"
            ]
        );
    });
}
