//! The live topics of all contexts.

use crate::events::EventBus;

pub use crate::mining::live::{
    CircleSubject, CircleTopic, CircleUpdate, LeaderboardTopic, LeaderboardUpdate, MinerTopic,
    MinerUpdate,
};
pub use crate::promotions::live::{CampaignTopic, CampaignUpdate, VoucherTopic, VoucherUpdate};
pub use crate::wallets::live::{WalletTopic, WalletUpdate};

/// An event bus with all topics.
#[must_use]
pub fn event_bus() -> EventBus {
    EventBus::default()
        .with::<MinerTopic>()
        .with::<WalletTopic>()
        .with::<CircleTopic>()
        .with::<LeaderboardTopic>()
        .with::<CampaignTopic>()
        .with::<VoucherTopic>()
}
