//! Creating a campaign with its vouchers and their escrow.

use diesel::ExpressionMethods;
use domain::promotions::campaign::{
    self as rules, Campaign, CampaignDraft, CampaignRefusal, CampaignStatus, NewCampaign, Terms,
};
use domain::wallets::{Leg, Posting, PostingRefusal, Reference, TransferReason};

use super::{CampaignDone, escrow_of, merchant_of, wallet_of};
use crate::prelude::*;
use crate::promotions::campaign::events::{CampaignEvent, CampaignEvents};
use crate::promotions::campaign::locks;
use crate::promotions::campaign::rows::{CampaignRow, Folded};
use crate::promotions::{configuration, voucher};
use crate::schema::{campaign_ids, campaigns};
use crate::wallets::{self, posting};

commands! {
    CampaignRefusal;
    CAMPAIGN_CREATE = "promotions.campaign_create", CampaignCreate, Required:
        NameInvalid, DescriptionInvalid, FaceCurrencyUnknown, PriceCurrencyUnknown, FaceCurrencyDisabled,
        PriceCurrencyDisabled, FaceValueInvalid, VoucherCountInvalid, PriceForFree, PriceMissing, PriceKind, PriceAmount,
        PriceTooHigh, PriceClosed, EndNotAfterStart, EndPast, ValidityInvalid, LimitNegative, LimitMissing, OpenLimit,
        DayLimit, WalletFrozen, InsufficientFunds;
}

/// Creates a draft campaign of the caller's merchant, with its vouchers and their escrow.
///
/// The merchant's wallet is looked at before the vouchers are made, and locked after that, for the posting alone.
pub async fn campaign_create(
    tx: &mut Tx,
    request: &Request,
    draft: &CampaignDraft,
) -> Result<Answer<CampaignDone>> {
    once(tx, request, &CAMPAIGN_CREATE, async |tx, key| {
        let merchant = merchant_of(request)?;
        let new = check(tx, merchant, draft).await?;
        let transaction_id = TransactionId(tx.new_id());
        let escrow = new.escrow;
        let mut campaign = campaign(tx, merchant, draft, new);
        let posting = Posting {
            transaction_id,
            reference: Reference::to("campaign", campaign.id.uuid),
            cause: request.posting_cause(),
            legs: vec![Leg {
                debit: wallet_of(&campaign),
                credit: escrow_of(&campaign),
                amount: escrow,
                reason: TransferReason::CampaignEscrow,
            }],
        };
        if let Some(refusal) = posting::foresee(tx, &posting).await? {
            return Err(refused(&campaign, refusal));
        }
        let mut events = CampaignEvents::of(&campaign);
        events.transaction_id = Some(transaction_id);
        let currency = campaign.face_value.currency;
        events.push(CampaignEvent::CampaignCreated {
            name: campaign.name.clone(),
            face_value: campaign.face_value.to_decimal(),
            currency: currency.code.to_string(),
            total_vouchers: campaign.total_vouchers,
            acquisition_type: campaign.acquisition.of_type,
            escrow: escrow.to_decimal(currency.scale),
            starts_at: campaign.starts_at,
            ends_at: campaign.ends_at,
            transaction_id: transaction_id.0,
        });
        campaign.version = events.enqueue(tx, &request.request_id)?;
        store(tx, &campaign).await?;
        voucher::make_vouchers(tx, &campaign).await?;
        let posted = posting::post(tx, std::slice::from_ref(&posting)).await?;
        if posted.iter().any(Result::is_err) {
            // The wallet changed meanwhile: the next attempt is refused before it writes anything.
            return Err(DbError::Contended("a merchant's wallet changed".to_owned()).into());
        }
        key.transaction_id = Some(transaction_id);
        Ok(CampaignDone::of(&campaign, Some(transaction_id)))
    })
    .await
}

/// Checks the draft, under the lock of the merchant's creations.
async fn check(
    tx: &mut Tx,
    merchant: MerchantId,
    draft: &CampaignDraft,
) -> Result<NewCampaign, Stop<CampaignRefusal>> {
    let price = draft.price.map(|(_, code)| code);
    tx.know_currencies([draft.face_value.1].into_iter().chain(price))
        .await?;
    let made = locks::lock_made(tx, merchant).await?;
    let promotion = configuration::in_force(tx.conn()).await?;
    let wallet = wallets::configuration::in_force(tx.conn()).await?;
    let terms = Terms {
        promotion: &promotion,
        wallet: &wallet,
        currencies: tx.currencies(),
    };
    Ok(rules::create(terms, draft, made, tx.now())?)
}

fn campaign(tx: &Tx, merchant: MerchantId, draft: &CampaignDraft, new: NewCampaign) -> Campaign {
    Campaign {
        id: CampaignId {
            merchant,
            uuid: tx.new_id(),
        },
        name: new.name,
        description: new.description,
        face_value: new.face_value,
        total_vouchers: new.total_vouchers,
        issued_vouchers: 0,
        acquisition: new.acquisition,
        starts_at: draft.starts_at,
        ends_at: draft.ends_at,
        voucher_validity_days: new.voucher_validity_days,
        max_per_user: new.max_per_user,
        allow_partial_redemption: draft.allow_partial_redemption,
        stored_status: CampaignStatus::Draft,
        revocation: None,
        created_at: tx.now(),
        updated_at: tx.now(),
        version: 0,
    }
}

async fn store(tx: &mut Tx, campaign: &Campaign) -> Result<()> {
    let Folded { name, text } = Folded::of(campaign);
    let folded = (
        campaigns::name_folded.eq(name),
        campaigns::text_folded.eq(text),
    );
    diesel::insert_into(campaigns::table)
        .values((CampaignRow::of(campaign)?, folded))
        .execute(tx.conn())
        .await?;
    let listed = (
        campaign_ids::id.eq(campaign.id.uuid),
        campaign_ids::merchant_id.eq(campaign.id.merchant.0),
    );
    let listed = diesel::insert_into(campaign_ids::table).values(listed);
    tx.write_last("campaign_ids", 1, listed);
    Ok(())
}

fn refused(campaign: &Campaign, refusal: PostingRefusal) -> Stop<CampaignRefusal> {
    match refusal {
        PostingRefusal::WalletFrozen { .. } => CampaignRefusal::WalletFrozen.into(),
        PostingRefusal::InsufficientFunds { available, .. } => {
            let currency = campaign.face_value.currency;
            let available = available.to_decimal(currency.scale);
            let currency = currency.code;
            CampaignRefusal::InsufficientFunds {
                available,
                currency,
            }
            .into()
        }
        fault @ (PostingRefusal::Malformed | PostingRefusal::Overflow) => {
            DbError::from(fault).into()
        }
    }
}
