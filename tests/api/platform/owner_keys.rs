//! The nil UUID, under which the ledger keeps the platform's own accounts, is refused as the key of an owner.

use std::collections::BTreeSet;

use domain::access::{Role, Scope};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::test;
use crate::support::wallets::{bet, mp};

/// Inputs and arguments with the key of an owner, each of which a test below uses.
const KEYS: [&str; 13] = [
    "CampaignFilter.merchantId",
    "ConversionExecuteInput.userId",
    "ConversionFilter.userId",
    "KycCompleteInput.userId",
    "MinerBy.userId",
    "Query.voucherValidation.userId",
    "RedemptionFilter.merchantId",
    "RedemptionFilter.userId",
    "RewardMintInput.userId",
    "Subscription.walletUpdated.userId",
    "VoucherFilter.userId",
    "VoucherRedeemInput.userId",
    "WalletOwnerInput.ownerId",
];

#[test]
fn knows_every_owner_key_of_the_schema() {
    test(async |app| {
        let query =
            "{ __schema { types { name inputFields { name } fields { name args { name } } } } }";
        let schema = app.anonymous().get(query, json!({})).await;
        let mut found = BTreeSet::new();
        let mut look = |path: String, inputs: &Value| {
            for input in inputs.as_array().into_iter().flatten() {
                let name = input["name"].as_str().unwrap();
                if ["userId", "ownerId", "merchantId", "advertiserId"].contains(&name) {
                    found.insert(format!("{path}.{name}"));
                }
            }
        };
        for of in schema["__schema"]["types"].as_array().unwrap() {
            let name = of["name"].as_str().unwrap();
            look(name.to_owned(), &of["inputFields"]);
            for field in of["fields"].as_array().into_iter().flatten() {
                look(
                    format!("{name}.{}", field["name"].as_str().unwrap()),
                    &field["args"],
                );
            }
        }
        assert_eq!(found, KEYS.map(str::to_owned).into());
    });
}

#[test]
fn refuses_the_nil_uuid_as_an_owner() {
    test(async |app| {
        let nil = Uuid::nil().to_string();
        let admin = app.admin();
        let verify = json!({"userId": nil});
        let adjust = json!({"miner": {"userId": nil}, "points": "1", "reason": "a test"});
        let owner = json!({"kind": "MERCHANT", "ownerId": nil});
        let place =
            json!({"owner": owner, "amount": mp("1"), "reference": bet("7"), "reason": "a test"});
        let mint = json!({
            "campaignId": app.user().id().to_string(), "userId": nil, "claimReference": "c", "amount": mp("1"),
        });
        for run in [
            app.service(&[Scope::MiningEvents])
                .run("kycComplete", verify),
            admin.run("minerPointsAdjust", adjust),
            app.game().run("holdPlace", place),
            app.service(&[Scope::WalletConvert])
                .convert(&mp("1"), "PT")
                .with(json!({"userId": nil})),
            app.minter().run("rewardMint", mint),
        ] {
            run.await.error("BAD_USER_INPUT");
        }
        let query = "query ($by: MinerBy!) { miner(by: $by) { id } }";
        let answer = admin.ask(query, json!({"by": {"userId": nil}})).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
        let query =
            "query ($by: ConversionFilter) { conversions(first: 1, filter: $by) { totalCount } }";
        let answer = admin.ask(query, json!({"by": {"userId": nil}})).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
        let query =
            "query ($by: CampaignFilter) { campaigns(first: 1, filter: $by) { totalCount } }";
        let answer = admin.ask(query, json!({"by": {"merchantId": nil}})).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
        let shop = app.shop();
        let redeem = json!({
            "voucher": {"code": "VAAAAAA"}, "userId": nil, "orderId": app.order().await.to_string(), "orderAmount": mp("1"),
        });
        shop.run("voucherRedeem", redeem)
            .await
            .error("BAD_USER_INPUT");
        let query = "query ($user: UUID!) { voucherValidation(by: {code: \"VAAAAAA\"}, userId: $user) { isValid } }";
        let answer = shop.ask(query, json!({"user": nil})).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT");
        for (list, filter) in [
            ("vouchers", "userId"),
            ("redemptions", "userId"),
            ("redemptions", "merchantId"),
        ] {
            let query = format!(
                "query ($key: UUID!) {{ {list}(first: 1, filter: {{{filter}: $key}}) {{ totalCount }} }}"
            );
            let answer = app.support().ask(&query, json!({"key": nil})).await;
            assert_eq!(answer.code(), "BAD_USER_INPUT", "{list} {filter}");
        }
        let mut socket = app.person(&[Role::Support]).socket().await;
        let follow = format!("subscription {{ walletUpdated(userId: \"{nil}\") {{ sequence }} }}");
        socket.subscribe("1", &follow).await;
        assert_eq!(socket.error().await, "BAD_USER_INPUT");
        assert_eq!(app.count("users", &format!("id = '{nil}'")).await, 0);
    });
}
