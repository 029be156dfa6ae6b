//! Commands of services on wallets, and owners with points to hold.

use db::wallets::conversion::exposure::count;
use db::wallets::wallet::commands::issuance_count;
use domain::access::Scope;
use serde_json::{Value, json};
use uuid::Uuid;

use super::samples::{wallet, with_reason};
use super::{Actor, Miner, Run, TestApp, merged};

/// Counts what was issued today, as the job does.
pub async fn count_issuance(db: &db::Db) {
    db.write("wallets.issuance_count", async |tx| {
        issuance_count(tx).await
    })
    .await
    .unwrap();
}

impl TestApp {
    /// A miner whose wallet has this many points, at most 1,000.
    pub async fn holder(&self, points: &str) -> Miner {
        let miner = self.miner().await;
        self.admin().adjust(&miner, points).await.ok();
        miner
    }

    /// A verified [`Self::holder`].
    pub async fn saver(&self, points: &str) -> Miner {
        let miner = self.holder(points).await;
        self.verify(&miner).await.ok();
        miner
    }

    /// The service `tester` with the scopes of a game: it holds, settles and reads.
    pub fn game(&self) -> Actor {
        self.service(&[Scope::WalletHold, Scope::WalletSettle, Scope::WalletRead])
    }

    /// The service `tester` with the scopes of a bank, whose deposits of MP have a ceiling of 1,000 a day.
    pub async fn bank(&self) -> Actor {
        self.bank_with(json!({})).await
    }

    /// [`Self::bank`] with other fields of the section `wallet`.
    pub async fn bank_with(&self, fields: Value) -> Actor {
        let ceiling = json!([{"amount": "1000", "currency": "MP"}]);
        let issuer = json!({
            "name": "tester", "issuer": "goodgo-dev-services", "subject": "tester", "depositCeilings": ceiling,
        });
        self.configure_wallets(merged(json!({"issuers": [issuer]}), fields))
            .await;
        self.service(&[Scope::WalletDeposit, Scope::WalletRead])
    }

    /// Opens conversions from MP to PT at par, a rate of the configuration, up to 1,000 PT.
    pub async fn open_conversions(&self) {
        let mut currencies = wallet(json!({}))["currencies"].clone();
        currencies[1]["fxExposureLimit"] = json!("1000");
        let pair = json!({"from": "MP", "to": "PT", "feeBps": 0, "staticRate": "1"});
        let pairs =
            json!({"currencies": currencies, "conversionPairs": [pair], "rateSource": "STATIC"});
        self.configure_wallets(pairs).await;
        self.count_positions().await;
    }

    /// Counts the balances of the conversion accounts, as the job does.
    pub async fn count_positions(&self) {
        let count = async |tx: &mut db::Tx| count(tx).await;
        self.db.write("wallets.fx_count", count).await.unwrap();
    }

    /// Changes fields of the section `wallet`, whatever they loosen.
    pub async fn configure_wallets(&self, fields: Value) {
        let version = self.count("configurations", "section = 'wallet'").await;
        let ceilings = wallet(json!({}))["currencies"].clone();
        let ceilings = ceilings.as_array().unwrap().iter();
        let ceilings = ceilings.map(|of| json!({"amount": "1000000", "currency": of["code"]}));
        let tester = json!({
            "name": "tester", "issuer": "goodgo-dev-services", "subject": "tester",
            "depositCeilings": ceilings.collect::<Vec<_>>(),
        });
        let kept = json!({"version": version, "issuers": [tester]});
        let section = wallet(merged(kept, fields));
        let update = self
            .admin()
            .run("walletConfigurationUpdate", with_reason(section));
        let done = update.await.ok();
        if done["approval"]["id"].is_string() {
            self.admin().approve(&done["approval"]["id"]).await.ok();
        }
    }

    /// The service `tester`, which mints rewards.
    pub fn minter(&self) -> Actor {
        self.service(&[Scope::WalletReward])
    }

    /// Counts what was issued today, as the job does.
    pub async fn count_issuance(&self) {
        count_issuance(&self.db).await;
    }

    /// A rewards campaign with this many MP in its treasury, at most 1,000.
    pub async fn campaign(&self, amount: &str) -> Uuid {
        let campaign = self.db.ids().uuid(self.now().await);
        self.count_issuance().await;
        self.finance().fund(campaign, &mp(amount)).await.ok();
        campaign
    }

    /// Runs a command of finance that waits for a second person, who approves it; returns the payload of the approval.
    pub async fn approved_by_finance(&self, run: Run) -> Value {
        let waiting = run.await.ok();
        assert!(waiting["approval"].is_object(), "{waiting}");
        let approval = waiting["approval"]["id"].clone();
        self.finance().approve(&approval).await.ok()
    }

    /// Available and held amount of a person's wallet of MP.
    pub async fn balance(&self, whose: &Actor) -> (String, String) {
        let query =
            "query ($by: WalletBy!) { wallet(by: $by) { available { amount } held { amount } } }";
        let by = json!({"by": {"currency": "MP"}});
        let wallet = whose.get(query, by).await["wallet"].clone();
        let text = |name: &str| wallet[name]["amount"].as_str().unwrap().to_owned();
        (text("available"), text("held"))
    }
}

/// An amount of MP.
pub fn mp(amount: &str) -> Value {
    json!({"amount": amount, "currency": "MP"})
}

/// A person as the owner of wallets.
pub fn owner(person: &Actor) -> Value {
    json!({"kind": "USER", "ownerId": person.id().to_string()})
}

/// The service's object `bet` with this id.
pub fn bet(id: &str) -> Value {
    json!({"referenceType": "bet", "referenceId": id})
}

/// Commands of services.
impl Actor {
    /// Reports a payment of MP to a person, with the reference 7 of the provider VCB.
    pub fn deposit(&self, whose: &Actor, amount: &str) -> Run {
        let payment = json!({"provider": "VCB", "reference": "7"});
        let input = json!({"owner": owner(whose), "amount": mp(amount), "payment": payment});
        self.run("depositCredit", input)
    }

    /// Reports a payment of MP without an owner; returns the deposit's id.
    pub async fn suspended(&self, amount: &str, reference: &str) -> Value {
        let payment = json!({"provider": "VCB", "reference": reference});
        let input = json!({"amount": mp(amount), "payment": payment});
        self.run("depositCredit", input).await.ok()["deposit"]["id"].clone()
    }

    /// Assigns a deposit to a person, for the reason `a test`.
    pub fn assign(&self, deposit: &Value, whose: &Actor) -> Run {
        let input = json!({"depositId": deposit, "owner": owner(whose), "reason": "a test"});
        self.run("depositAssign", input)
    }

    pub fn convert(&self, amount: &Value, to: &str) -> Run {
        self.run("conversionExecute", json!({"amount": amount, "to": to}))
    }

    pub fn record_rate(&self, from: &str, to: &str, rate: &str) -> Run {
        self.run("rateRecord", json!({"from": from, "to": to, "rate": rate}))
    }

    /// Accepts a rate, for the reason `a test`.
    pub fn accept_rate(&self, rate: &Value) -> Run {
        self.run(
            "rateAccept",
            json!({"rateSnapshotId": rate, "reason": "a test"}),
        )
    }

    /// Requests a withdrawal of MP.
    pub fn withdraw(&self, amount: &str) -> Run {
        let input = json!({"amount": mp(amount), "destination": "VCB 0123456789"});
        self.run("withdrawalRequest", input)
    }

    pub fn cancel_withdrawal(&self, withdrawal: &Value) -> Run {
        self.run("withdrawalCancel", json!({"withdrawalId": withdrawal}))
    }

    pub fn process(&self, withdrawal: &Value) -> Run {
        self.run("withdrawalProcess", json!({"withdrawalId": withdrawal}))
    }

    /// Records a payment of the provider VCB.
    pub fn complete(&self, withdrawal: &Value, reference: &str) -> Run {
        let payout = json!({"provider": "VCB", "reference": reference});
        let input = json!({"withdrawalId": withdrawal, "payout": payout});
        self.run("withdrawalComplete", input)
    }

    /// Records a failure, for the reason `a test`.
    pub fn fail(&self, withdrawal: &Value) -> Run {
        let input = json!({"withdrawalId": withdrawal, "reason": "a test"});
        self.run("withdrawalFail", input)
    }

    /// Places a hold of MP for bet 7.
    pub fn place(&self, whose: &Actor, amount: &str) -> Run {
        let input = json!({
            "owner": owner(whose), "amount": mp(amount), "reference": bet("7"), "reason": "A bet",
        });
        self.run("holdPlace", input)
    }

    /// Places a hold of MP for a bet; returns its id.
    pub async fn placed(&self, whose: &Actor, amount: &str, id: &str) -> Value {
        let place = self
            .place(whose, amount)
            .with(json!({"reference": bet(id)}));
        place.await.ok()["hold"]["id"].clone()
    }

    pub fn release_hold(&self, hold: &Value) -> Run {
        self.run("holdRelease", json!({"holdId": hold}))
    }

    pub fn extend(&self, hold: &Value, expires_at: &str) -> Run {
        let input = json!({"holdId": hold, "expiresAt": expires_at});
        self.run("holdExtend", input)
    }

    /// Settles a hold.
    pub fn settle(&self, settlement: Value) -> Run {
        let mut input = json!({});
        input["settlement"] = settlement;
        self.run("holdSettle", input)
    }

    /// Settles holds together.
    pub fn settle_all(&self, settlements: Value) -> Run {
        let mut input = json!({});
        input["settlements"] = settlements;
        self.run("holdBatchSettle", input)
    }
}

/// A lost hold.
pub fn loss(hold: &Value) -> Value {
    json!({"holdId": hold, "outcome": "LOSS"})
}

/// A won hold with payouts of MP.
pub fn win(hold: &Value, payouts: &[(&Actor, &str)]) -> Value {
    let payouts: Vec<_> = payouts
        .iter()
        .map(|(person, amount)| json!({"owner": owner(person), "amount": mp(amount)}))
        .collect();
    json!({"holdId": hold, "outcome": "WIN", "payouts": payouts})
}

/// Commands of services and finance on clearing accounts.
impl Actor {
    /// Releases MP of the clearing account of a bet to an owner, or to the platform's revenue, for the reason `a test`.
    pub fn release_clearing(&self, id: &str, amount: &str, payee: Option<&Actor>) -> Run {
        let input = json!({
            "reference": bet(id), "amount": mp(amount), "owner": payee.map(owner), "reason": "a test",
        });
        self.run("clearingRelease", input)
    }
}

/// The object `bet` of the service `tester`, as staff name it.
pub fn bet_of_tester(id: &str) -> Value {
    super::merged(bet(id), json!({"issuer": "tester"}))
}

/// Commands of finance and services on treasuries, for the reason `a test`.
impl Actor {
    /// Funds the treasury of a campaign, from which `tester` may mint.
    pub fn fund(&self, campaign: Uuid, amount: &Value) -> Run {
        let input = json!({
            "campaignId": campaign.to_string(), "amount": amount, "issuer": "tester", "reason": "a test",
        });
        self.run("treasuryFund", input)
    }

    /// Pays a reward of MP.
    pub fn mint(&self, campaign: Uuid, whose: &Actor, claim: &str, amount: &str) -> Run {
        let input = json!({
            "campaignId": campaign.to_string(), "userId": whose.id().to_string(), "claimReference": claim,
            "amount": mp(amount),
        });
        self.run("rewardMint", input)
    }

    /// Moves an amount between accounts of the house.
    pub fn move_house(&self, from: &str, to: &str, amount: &Value, reference: &str) -> Run {
        let input = json!({
            "from": from, "to": to, "amount": amount, "reference": reference, "reason": "a test",
        });
        self.run("houseTransfer", input)
    }
}

/// Reversals.
impl Actor {
    /// Reverses a transaction, for the reason `a test`.
    pub fn reverse(&self, transaction: &Value) -> Run {
        let input = json!({"transactionId": transaction["id"], "reason": "a test"});
        self.run("transactionReverse", input)
    }
}

/// Commands of finance.
impl Actor {
    /// Freezes an owner, for the reason `a test`.
    pub fn freeze(&self, owner: &Value) -> Run {
        let mut input = json!({"reason": "a test"});
        input["owner"] = owner.clone();
        self.run("walletFreeze", input)
    }

    /// Starts a run of the checker, for the reason `a test`.
    pub fn reconcile(&self) -> Run {
        self.run("reconciliationRun", json!({"reason": "a test"}))
    }

    /// Lifts a cause of an owner's freeze, for the reason `a test`.
    pub fn unfreeze(&self, owner: &Value, cause: &str) -> Run {
        let mut input = json!({"reason": "a test", "cause": cause});
        input["owner"] = owner.clone();
        self.run("walletUnfreeze", input)
    }
}
