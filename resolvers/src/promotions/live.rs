//! Campaigns and vouchers after a change, for `campaignUpdated` and `vouchersUpdated`.

use std::collections::BTreeSet;
use std::time::Duration;

use db::outbox::Event;
use db::promotions::campaign::queries::{self as campaigns, CampaignSeen};
use db::promotions::voucher::queries::{self as vouchers, VoucherSeen};
use db::{Db, Page};
use serde_json::Value;

use crate::events::{SubscribersOf, Topic, Update, UpdatesOf};
use crate::prelude::*;

/// The state of campaigns, by campaign. The figures change with each command on a voucher, so it is read at intervals.
#[derive(Debug, Default)]
pub struct CampaignTopic;

/// A campaign after a change.
#[derive(Clone, Debug)]
pub struct CampaignUpdate(pub CampaignSeen);

impl Update for CampaignUpdate {
    type Kind = ();
    const TOPIC: &'static str = "campaign";

    fn kind(&self) {}
}

/// A UUID in the payload of an event.
fn named(event: &Event, field: &str) -> Option<Uuid> {
    let id = event.payload.get(field).and_then(Value::as_str)?;
    Uuid::parse_str(id).ok()
}

impl Topic for CampaignTopic {
    type Subject = CampaignId;
    type Update = CampaignUpdate;
    type Changes = Vec<CampaignId>;

    const MIN_INTERVAL: Option<Duration> = Some(Duration::from_secs(1));

    fn changes(&self, events: &[Event], of: &SubscribersOf<Self>) -> Option<Vec<CampaignId>> {
        let ids = events.iter().filter_map(|event| {
            let merchant = named(event, "merchantId")?;
            Some(CampaignId::from([merchant, named(event, "campaignId")?]))
        });
        let ids: BTreeSet<CampaignId> = ids.filter(|id| of.has(id)).collect();
        (!ids.is_empty()).then(|| ids.into_iter().collect())
    }

    fn missed(&self, _: Duration, of: &SubscribersOf<Self>) -> Option<Vec<CampaignId>> {
        let ids = of.subjects();
        (!ids.is_empty()).then_some(ids)
    }

    async fn read(&self, db: Db, ids: Vec<CampaignId>) -> Result<UpdatesOf<Self>, DbError> {
        let currencies = db.clone();
        let read =
            async move |conn: &mut db::Connection| campaigns::by_id(&currencies, conn, &ids).await;
        let seen = db.read(read).await?.into_iter();
        Ok(seen
            .map(|seen| (seen.campaign.id, CampaignUpdate(seen)))
            .collect())
    }
}

/// The vouchers of people, by holder.
#[derive(Debug, Default)]
pub struct VoucherTopic;

/// A voucher after a change.
#[derive(Clone, Debug)]
pub struct VoucherUpdate(pub VoucherSeen);

impl Update for VoucherUpdate {
    type Kind = Uuid;
    const TOPIC: &'static str = "voucher";

    fn kind(&self) -> Uuid {
        self.0.voucher.id.uuid
    }
}

/// Vouchers to read, and people whose newest ones are read because events were missed.
#[derive(Clone, Debug, Default)]
pub struct VoucherChanges {
    vouchers: BTreeSet<VoucherId>,
    people: Vec<UserId>,
}

/// Vouchers of a person that are read after events were missed.
const NEWEST: u32 = 100;

impl Topic for VoucherTopic {
    type Subject = UserId;
    type Update = VoucherUpdate;
    type Changes = VoucherChanges;

    fn changes(&self, events: &[Event], of: &SubscribersOf<Self>) -> Option<VoucherChanges> {
        let followed = events.iter().filter(|event| {
            let holder = event.audience_id.map(UserId);
            holder.is_some_and(|holder| of.has(&holder))
        });
        let vouchers = followed.filter_map(|event| {
            let merchant = named(event, "merchantId")?;
            Some(VoucherId::from([merchant, named(event, "voucherId")?]))
        });
        let changes = VoucherChanges {
            vouchers: vouchers.collect(),
            people: Vec::new(),
        };
        (!changes.vouchers.is_empty()).then_some(changes)
    }

    fn missed(&self, _: Duration, of: &SubscribersOf<Self>) -> Option<VoucherChanges> {
        let people = of.subjects();
        (!people.is_empty()).then(|| VoucherChanges {
            vouchers: BTreeSet::new(),
            people,
        })
    }

    async fn read(&self, db: Db, changes: VoucherChanges) -> Result<UpdatesOf<Self>, DbError> {
        let currencies = db.clone();
        let read = async move |conn: &mut db::Connection| {
            let mut ids = changes.vouchers.clone();
            for person in &changes.people {
                let page = Page::first(NEWEST);
                let newest = vouchers::of_user(conn, *person, None, &page).await?;
                ids.extend(newest.items.into_iter().map(|(id, _)| id));
            }
            let ids: Vec<VoucherId> = ids.into_iter().collect();
            vouchers::by_id(&currencies, conn, &ids).await
        };
        let seen = db.read(read).await?.into_iter();
        let updates = seen.filter_map(|seen| {
            let holder = seen.voucher.owner()?;
            Some((holder, VoucherUpdate(seen)))
        });
        Ok(updates.collect())
    }
}
