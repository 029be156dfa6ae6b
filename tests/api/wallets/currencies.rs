use serde_json::json;

use crate::support::test;

#[test]
fn returns_the_currencies_of_the_ledger() {
    test(async |app| {
        let data = app
            .anonymous()
            .get(
                "{ currencies { code scale displayDecimals assetType isEnabled } }",
                json!({}),
            )
            .await;
        let shown: Vec<_> = data["currencies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|currency| {
                format!(
                    "{} {} {} {} {}",
                    currency["code"].as_str().unwrap(),
                    currency["scale"],
                    currency["displayDecimals"],
                    currency["assetType"].as_str().unwrap(),
                    currency["isEnabled"]
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "FUZE 6 6 POINT true",
                "FZ 4 4 POINT true",
                "MP 4 4 POINT true",
                "PPOINT 4 4 POINT true",
                "PT 4 4 POINT true",
                "STAR 0 0 POINT true",
                "USD 6 6 CURRENCY true",
                "USDT 6 6 CURRENCY true",
                "VND 6 0 CURRENCY true"
            ]
        );
    });
}
