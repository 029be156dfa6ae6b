//! Tests of the rules of redemptions.

use rust_decimal::Decimal;
use uuid::Uuid;

use super::*;
use crate::money::CurrencyCode;
use crate::promotions::PromotionConfiguration;
use crate::promotions::samples::{at, configuration, money, voucher};
use crate::promotions::voucher::{Voucher, VoucherRefusal};
use crate::refusal::Rejection;

fn wanted(amount: i64) -> Use {
    Use {
        order_amount: (Decimal::from(amount), CurrencyCode::MP),
        order: None,
        is_repeated: false,
        pending: 0,
        is_at_till: false,
    }
}

fn used(voucher: &Voucher, wanted: &Use) -> Result<NewRedemption, VoucherRefusal> {
    redeem(voucher, wanted, &configuration()).map_err(|rejection| match rejection {
        Rejection::Refused(refusal) => refusal,
        Rejection::Overflow(overflow) => panic!("{overflow}"),
    })
}

#[test]
fn pays_what_the_order_leaves_open() {
    let voucher = voucher(100);
    let partly = used(&voucher, &wanted(30)).expect("a use");
    assert_eq!((partly.used, partly.remaining), (Minor(30), Minor(70)));
    // Of the price of 10, 70 of 100 cover 7.
    assert_eq!(partly.share, Minor(3));
    let whole = used(&voucher, &wanted(250)).expect("a use");
    assert_eq!(
        (whole.used, whole.remaining, whole.share),
        (Minor(100), Minor(0), Minor(10))
    );
    let order = |amount, covered| Use {
        order: Some(Order {
            amount: money(amount),
            covered: Minor(covered),
        }),
        ..wanted(120)
    };
    assert_eq!(
        used(&voucher, &order(120, 90)).map(|new| new.used),
        Ok(Minor(30))
    );
    let covered = used(&voucher, &order(120, 120));
    assert_eq!(covered, Err(VoucherRefusal::OrderCovered));
    let differs = VoucherRefusal::OrderAmountDiffers {
        order_amount: Decimal::from(121),
        currency: CurrencyCode::MP,
    };
    assert_eq!(used(&voucher, &order(121, 1)), Err(differs));
    // All vouchers of the order were voided.
    let anew = used(&voucher, &order(121, 0)).expect("a use");
    assert_eq!(anew.used, Minor(100));
}

#[test]
fn takes_all_of_a_voucher_without_partial_redemption() {
    let mut voucher = voucher(100);
    voucher.offer.allow_partial_redemption = false;
    let new = used(&voucher, &wanted(30)).expect("a use");
    assert_eq!(
        (new.used, new.refunded, new.remaining),
        (Minor(30), Minor(70), Minor(0))
    );
    assert_eq!(new.share, Minor(10));
}

#[test]
fn refuses_what_is_no_order() {
    let voucher = voucher(100);
    for amount in [Decimal::ZERO, Decimal::from(-1), Decimal::new(15, 1)] {
        let bad = Use {
            order_amount: (amount, CurrencyCode::MP),
            ..wanted(1)
        };
        assert_eq!(
            used(&voucher, &bad),
            Err(VoucherRefusal::OrderAmountInvalid),
            "{amount}"
        );
    }
    let vnd = CurrencyCode::parse("VND").expect("a code");
    let other = Use {
        order_amount: (Decimal::new(15, 1), vnd),
        ..wanted(1)
    };
    let mismatch = VoucherRefusal::CurrencyMismatch {
        currency: CurrencyCode::MP,
    };
    assert_eq!(used(&voucher, &other), Err(mismatch));
    let repeated = Use {
        is_repeated: true,
        ..wanted(1)
    };
    assert_eq!(
        used(&voucher, &repeated),
        Err(VoucherRefusal::OrderRedeemed)
    );
    let many = Use {
        pending: 2,
        ..wanted(1)
    };
    let limit = VoucherRefusal::PendingLimit { limit: 2 };
    assert_eq!(used(&voucher, &many), Err(limit));
    let at_till = Use {
        is_at_till: true,
        ..many
    };
    assert!(used(&voucher, &at_till).is_ok());
}

/// Whatever is used in whatever steps, the shares sum up to the price.
#[test]
fn earns_the_price_in_parts() {
    for steps in [vec![1; 100], vec![33, 33, 34], vec![7, 93], vec![99, 1]] {
        let mut voucher = voucher(100);
        let mut earned = 0;
        for step in steps {
            let new = used(&voucher, &wanted(step)).expect("a use");
            earned += new.share.0;
            voucher.unearned = Minor(voucher.unearned.0 - new.share.0);
            voucher.remaining = new.remaining;
            // The unearned price covers the value that remains, rounded up.
            assert!(voucher.unearned.0 * 10 >= voucher.remaining.0);
        }
        assert_eq!((earned, voucher.unearned), (10, Minor::ZERO));
    }
}

fn settled(used: i64, share: i64) -> Redemption {
    Redemption {
        id: [1, 5].map(Uuid::from_u128).into(),
        campaign: Uuid::from_u128(3),
        voucher: [1, 4].map(Uuid::from_u128).into(),
        holder: crate::ids::UserId(Uuid::from_u128(2)),
        order_id: Some(Uuid::from_u128(6)),
        order_amount: money(used),
        used: Minor(used),
        refunded: Minor::ZERO,
        returned: Minor::ZERO,
        price_share: Some(money(share)),
        price_returned: Minor::ZERO,
        status: RedemptionStatus::Settled,
        redeemed_by: RedemptionActor::Service,
        redeemed_at: at(0),
        settle_expires_at: None,
        ended_at: Some(at(0)),
        transaction: Some(Uuid::from_u128(7)),
        version: 1,
    }
}

fn returned(
    redemption: &Redemption,
    amount: Option<i64>,
    settings: &PromotionConfiguration,
    hour: u32,
) -> Result<Returned, RedemptionRefusal> {
    let amount = amount.map(|amount| (Decimal::from(amount), CurrencyCode::MP));
    let returned = return_value(redemption, &voucher(40), amount, settings, at(hour));
    returned.map_err(|rejection| match rejection {
        Rejection::Refused(refusal) => refusal,
        Rejection::Overflow(overflow) => panic!("{overflow}"),
    })
}

#[test]
fn returns_value_with_its_proportion_of_the_price() {
    let settings = configuration();
    let first = returned(&settled(60, 7), Some(25), &settings, 1).expect("a return");
    // 7 × 25 ÷ 60 is 2.9.
    assert_eq!((first.back.value, first.back.price), (Minor(25), Minor(2)));
    let rest = returned(&first.redemption, None, &settings, 2).expect("a return");
    assert_eq!((rest.back.value, rest.back.price), (Minor(35), Minor(5)));
    let code = |result: Result<Returned, RedemptionRefusal>| {
        use crate::refusal::Refusal;
        result.expect_err("a refusal").code()
    };
    assert_eq!(
        code(returned(&rest.redemption, None, &settings, 3)),
        "RETURN_EXCEEDED"
    );
    assert_eq!(
        code(returned(&settled(60, 7), Some(61), &settings, 1)),
        "RETURN_EXCEEDED"
    );
    assert_eq!(
        code(returned(&settled(60, 7), Some(0), &settings, 1)),
        "AMOUNT_INVALID"
    );
    assert_eq!(
        code(returned(&settled(60, 7), None, &settings, 90 * 24)),
        "RETURN_TOO_LATE"
    );
    let pending = Redemption {
        status: RedemptionStatus::Pending,
        ended_at: None,
        ..settled(60, 7)
    };
    assert_eq!(
        code(returned(&pending, None, &settings, 1)),
        "REDEMPTION_PENDING"
    );
    assert_eq!(check_pending(&pending), Ok(()));
    let voided = Redemption {
        status: RedemptionStatus::Voided,
        ..settled(60, 7)
    };
    assert_eq!(
        code(returned(&voided, None, &settings, 1)),
        "REDEMPTION_VOIDED"
    );
    assert!(check_pending(&voided).is_err() && check_pending(&settled(60, 7)).is_err());
}
