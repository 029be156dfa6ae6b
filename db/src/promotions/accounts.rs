//! Accounts of a campaign, and the wallets that they exchange with.

use domain::ids::{CampaignId, MerchantId};
use domain::money::{Minor, Money};
use domain::wallets::{Leg, Side, TransferReason, WalletKind};

/// Escrow of a campaign, in the currency of its vouchers.
pub(super) fn escrow(campaign: CampaignId, face_value: Money) -> Side {
    of_campaign(campaign, WalletKind::Escrow, face_value)
}

/// Proceeds of a campaign, in the currency of its price.
pub(super) fn proceeds(campaign: CampaignId, price: Money) -> Side {
    of_campaign(campaign, WalletKind::Proceeds, price)
}

/// Wallet of a merchant in the currency of an amount.
pub(super) fn wallet(merchant: MerchantId, money: Money) -> Side {
    Side::available(merchant, WalletKind::Main, money.currency.code)
}

fn of_campaign(campaign: CampaignId, kind: WalletKind, money: Money) -> Side {
    let account = Side::available(campaign.merchant, kind, money.currency.code);
    account.of_campaign(campaign.uuid)
}

/// A leg, unless the amount is zero.
pub(super) fn leg(debit: Side, credit: Side, amount: Minor, reason: TransferReason) -> Option<Leg> {
    (amount > Minor::ZERO).then_some(Leg {
        debit,
        credit,
        amount,
        reason,
    })
}
