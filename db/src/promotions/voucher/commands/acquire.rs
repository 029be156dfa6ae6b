//! Acquiring a voucher: free of charge, for points, or for money.

use domain::money::Minor;
use domain::promotions::campaign::AcquisitionType;
use domain::promotions::voucher::{
    self as rules, Holding, Offer, Voucher, VoucherCode, VoucherRefusal, VoucherStatus,
};
use domain::time::{days, plus};
use domain::wallets::{
    Leg, OwnerKind, Posting, PostingRefusal, Reference, Side, TransferReason, WalletKind,
};

use super::VoucherDone;
use crate::command::Command;
use crate::platform::users;
use crate::prelude::*;
use crate::promotions::accounts;
use crate::promotions::voucher::events::{VoucherEvent, VoucherEvents};
use crate::promotions::voucher::{locks, writes};
use crate::wallets::posting;

commands! {
    VoucherRefusal;
    VOUCHER_CLAIM = "promotions.voucher_claim", VoucherClaim, Required:
        CampaignNotFound, WrongAcquisitionType, CampaignNotActive, CampaignNotStarted, CampaignEnded, WalletFrozen,
        LimitPerUser, SoldOut;
    VOUCHER_EXCHANGE = "promotions.voucher_exchange", VoucherExchange, Required:
        CampaignNotFound, WrongAcquisitionType, CampaignNotActive, CampaignNotStarted, CampaignEnded, WalletFrozen,
        LimitPerUser, InsufficientFunds, SoldOut;
    VOUCHER_PURCHASE = "promotions.voucher_purchase", VoucherPurchase, Required:
        CampaignNotFound, WrongAcquisitionType, CampaignNotActive, CampaignNotStarted, CampaignEnded, WalletFrozen,
        LimitPerUser, InsufficientFunds, SoldOut;
}

/// Gives the caller a voucher of a free campaign.
pub async fn voucher_claim(
    tx: &mut Tx,
    request: &Request,
    campaign: CampaignId,
) -> Result<Answer<VoucherDone>> {
    acquire(tx, request, &VOUCHER_CLAIM, AcquisitionType::Free, campaign).await
}

/// Gives the caller a voucher for points of their wallet.
pub async fn voucher_exchange(
    tx: &mut Tx,
    request: &Request,
    campaign: CampaignId,
) -> Result<Answer<VoucherDone>> {
    let way = AcquisitionType::ExchangePoints;
    acquire(tx, request, &VOUCHER_EXCHANGE, way, campaign).await
}

/// Gives the caller a voucher for money of their wallet.
pub async fn voucher_purchase(
    tx: &mut Tx,
    request: &Request,
    campaign: CampaignId,
) -> Result<Answer<VoucherDone>> {
    let way = AcquisitionType::Purchase;
    acquire(tx, request, &VOUCHER_PURCHASE, way, campaign).await
}

/// Gives the caller a voucher of a campaign, and moves its price to the campaign's proceeds. The wallet is looked at before
/// a voucher is taken, and locked after that, for the posting alone.
async fn acquire(
    tx: &mut Tx,
    request: &Request,
    command: &'static Command<VoucherRefusal>,
    way: AcquisitionType,
    campaign: CampaignId,
) -> Result<Answer<VoucherDone>> {
    let user = request.person()?.id;
    once_reading(
        tx,
        request,
        command,
        |conn| locks::prospect(conn, campaign, user),
        async |tx, key, prospect| {
            let is_known = prospect.is_known;
            let found = prospect.read(tx)?;
            let (offer, acquired, is_frozen) = found.ok_or(VoucherRefusal::CampaignNotFound)?;
            rules::acquire(&offer, way, acquired, is_frozen, tx.now())?;
            let mut posting = price(tx, request, &offer, user);
            if let Some(posting) = &posting
                && let Some(refusal) = posting::foresee(tx, posting).await?
            {
                return Err(refused(&offer, refusal));
            }
            let taken = locks::take(tx, campaign, offer.total_vouchers).await?;
            let taken = taken.ok_or(VoucherRefusal::SoldOut)?;
            if let Some(posting) = &mut posting {
                posting.reference = Reference::to("voucher", taken.id);
            }
            if !is_known {
                users::ensure_exists(tx, request.person()?).await?;
            }
            let voucher = held(tx, offer, user, &taken)?;
            let transaction = posting.as_ref().map(|posting| posting.transaction_id);
            let voucher = store(tx, request, voucher, transaction)?;
            if let Some(posting) = &posting {
                let posted = posting::post(tx, std::slice::from_ref(posting)).await?;
                if posted.iter().any(Result::is_err) {
                    // The wallet changed meanwhile: the next attempt is refused before it takes a voucher.
                    return Err(DbError::Contended("a person's wallet changed".to_owned()).into());
                }
            }
            key.transaction_id = transaction;
            Ok(VoucherDone::of(&voucher, transaction.map(|id| id.0)))
        },
    )
    .await
}

/// Posting of a voucher's price, which waits in the campaign's proceeds; none for a free one.
fn price(tx: &Tx, request: &Request, offer: &Offer, user: UserId) -> Option<Posting> {
    let price = offer.price()?;
    Some(Posting {
        transaction_id: TransactionId(tx.new_id()),
        reference: Reference::to("campaign", offer.campaign.uuid),
        cause: request.posting_cause(),
        legs: vec![Leg {
            debit: Side::available(user, WalletKind::Main, price.currency.code),
            credit: accounts::proceeds(offer.campaign, price),
            amount: price.amount,
            reason: TransferReason::VoucherPrice,
        }],
    })
}

/// The voucher with its holder.
fn held(tx: &Tx, offer: Offer, user: UserId, taken: &locks::Taken) -> Result<Voucher> {
    let now = tx.now();
    let expires_at = plus(now, days(offer.voucher_validity_days));
    let unreadable = || DbError::inconsistent("vouchers", "code", taken.id);
    Ok(Voucher {
        id: [offer.campaign.merchant.0, taken.id].into(),
        code: VoucherCode::parse(&taken.code).ok_or_else(unreadable)?,
        stored_status: VoucherStatus::Claimed,
        remaining: offer.face_value.amount,
        unearned: offer.price().map_or(Minor::ZERO, |price| price.amount),
        holding: Some(Holding {
            owner: user,
            claimed_at: now,
            expires_at,
            usable_until: expires_at,
        }),
        redeemed_at: None,
        revocation: None,
        created_at: now,
        updated_at: now,
        version: 0,
        offer,
    })
}

fn store(
    tx: &mut Tx,
    request: &Request,
    voucher: Voucher,
    transaction: Option<TransactionId>,
) -> Result<Voucher> {
    let Some(holding) = voucher.holding else {
        return Ok(voucher);
    };
    let mut events = VoucherEvents::of(&voucher);
    events.transaction_id = transaction;
    let price = voucher.offer.price();
    events.push(VoucherEvent::VoucherClaimed {
        expires_at: holding.expires_at,
        price: price.map(|price| price.to_decimal()),
        price_currency: price.map(|price| price.currency.code.to_string()),
        transaction_id: transaction.map(|id| id.0),
    });
    let version = events.enqueue(tx, &request.request_id)?;
    let voucher = Voucher { version, ..voucher };
    writes::store(tx, &voucher, VoucherStatus::Available);
    writes::list(tx, &voucher, holding);
    writes::count_acquired(tx, &voucher, holding.owner, 1);
    writes::count_issued(tx, &voucher);
    Ok(voucher)
}

fn refused(offer: &Offer, refusal: PostingRefusal) -> Stop<VoucherRefusal> {
    match refusal {
        PostingRefusal::WalletFrozen { .. } => VoucherRefusal::WalletFrozen.into(),
        PostingRefusal::InsufficientFunds {
            wallet, available, ..
        } => {
            let price = offer
                .price()
                .filter(|_| wallet.owner.kind == OwnerKind::User);
            let scale = price.map_or(0, |price| price.currency.scale);
            VoucherRefusal::InsufficientFunds {
                available: available.to_decimal(scale),
                currency: wallet.currency,
            }
            .into()
        }
        fault @ (PostingRefusal::Malformed | PostingRefusal::Overflow) => {
            DbError::from(fault).into()
        }
    }
}
