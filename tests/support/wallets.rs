//! Commands of services on wallets, and owners with points to hold.

use db::wallets::wallet::commands::issuance_count;
use domain::access::{Role, Scope};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Actor, Miner, Run, TestApp};

impl TestApp {
    /// A miner whose wallet has this many points, at most 1,000.
    pub async fn holder(&self, points: &str) -> Miner {
        let miner = self.miner().await;
        self.admin().adjust(&miner, points).await.ok();
        miner
    }

    /// The service `tester` with the scopes of a game: it holds, settles and reads.
    pub fn game(&self) -> Actor {
        self.service(&[Scope::WalletHold, Scope::WalletSettle, Scope::WalletRead])
    }

    /// A new member of finance.
    pub fn finance(&self) -> Actor {
        self.person(&[Role::Finance])
    }

    /// The service `tester`, which mints rewards.
    pub fn minter(&self) -> Actor {
        self.service(&[Scope::WalletReward])
    }

    /// Counts what was issued today, as the job does.
    pub async fn count_issuance(&self) {
        let count = async |tx: &mut db::Tx| issuance_count(tx).await;
        self.db
            .write("wallets.issuance_count", count)
            .await
            .unwrap();
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

    /// Lifts a cause of an owner's freeze, for the reason `a test`.
    pub fn unfreeze(&self, owner: &Value, cause: &str) -> Run {
        let mut input = json!({"reason": "a test", "cause": cause});
        input["owner"] = owner.clone();
        self.run("walletUnfreeze", input)
    }
}
