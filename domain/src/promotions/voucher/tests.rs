//! Tests of the rules of vouchers.

use uuid::Uuid;

use super::*;
use crate::access::{Person, Role};
use crate::promotions::campaign::{Acquisition, AcquisitionType};
use crate::promotions::samples::{at, configuration, money, offer, voucher};
use crate::reason::Reason;

fn person(id: u128) -> Person {
    Person {
        id: UserId(Uuid::from_u128(id)),
        issuer: "iam".to_owned(),
        roles: vec![Role::Admin],
        merchant_id: None,
        advertiser_id: None,
        name: None,
    }
}

#[test]
fn acquires_in_the_dates_of_an_active_campaign() {
    let offer = Offer {
        starts_at: at(1),
        ends_at: at(10),
        max_per_user: 2,
        ..offer()
    };
    let acquire = |offer: &Offer, acquired, is_frozen, hour| {
        acquire(
            offer,
            AcquisitionType::Purchase,
            acquired,
            is_frozen,
            at(hour),
        )
    };
    assert_eq!(acquire(&offer, 1, false, 5), Ok(()));
    let of_status = |stored_status| Offer {
        stored_status,
        ..offer.clone()
    };
    let refused = [
        (
            of_status(CampaignStatus::Draft),
            VoucherRefusal::CampaignNotFound,
        ),
        (
            of_status(CampaignStatus::Paused),
            VoucherRefusal::CampaignNotActive,
        ),
        (
            of_status(CampaignStatus::Cancelled),
            VoucherRefusal::CampaignEnded,
        ),
        (
            of_status(CampaignStatus::Completed),
            VoucherRefusal::CampaignEnded,
        ),
    ];
    for (offer, refusal) in refused {
        assert_eq!(acquire(&offer, 0, false, 5), Err(refusal));
    }
    let not_started = VoucherRefusal::CampaignNotStarted { retry_at: at(1) };
    assert_eq!(acquire(&offer, 0, false, 0), Err(not_started));
    assert_eq!(
        acquire(&offer, 0, false, 10),
        Err(VoucherRefusal::CampaignEnded)
    );
    assert_eq!(
        acquire(&offer, 2, true, 5),
        Err(VoucherRefusal::WalletFrozen)
    );
    let limit = VoucherRefusal::LimitPerUser { limit: 2 };
    assert_eq!(acquire(&offer, 2, false, 5), Err(limit));
    let unlimited = Offer {
        max_per_user: 0,
        ..offer.clone()
    };
    assert_eq!(acquire(&unlimited, 1_000, false, 5), Ok(()));
    let free = Offer {
        acquisition: Acquisition {
            of_type: AcquisitionType::Free,
            price: None,
        },
        ..offer
    };
    let wrong = VoucherRefusal::WrongAcquisitionType;
    assert_eq!(acquire(&free, 0, false, 5), Err(wrong));
}

#[test]
fn reads_as_expired_from_the_end_of_its_time_on() {
    let voucher = voucher(100);
    assert_eq!(voucher.status(at(23)), VoucherStatus::Claimed);
    assert_eq!(voucher.status(at(24)), VoucherStatus::Expired);
    assert_eq!(check_usable(&voucher, false, at(23)), Ok(()));
    let frozen = check_usable(&voucher, true, at(23));
    assert_eq!(frozen, Err(VoucherRefusal::WalletFrozen));
    let expired = check_usable(&voucher, false, at(24));
    assert_eq!(expired, Err(VoucherRefusal::VoucherExpired));
    let mut revoked = voucher.clone();
    revoked.offer.revocation = Some(Revocation {
        at: at(2),
        reason: "a fault".to_owned(),
    });
    let refused = check_usable(&revoked, false, at(3));
    assert_eq!(refused, Err(VoucherRefusal::VoucherRevoked));
    assert_eq!(revoked.status(at(3)), VoucherStatus::Expired);
    let used = Voucher {
        stored_status: VoucherStatus::FullyRedeemed,
        remaining: Minor::ZERO,
        ..revoked
    };
    // The revocation took nothing from it.
    assert_eq!(
        check_usable(&used, false, at(3)),
        Err(VoucherRefusal::VoucherUsed)
    );
    let unissued = Voucher {
        stored_status: VoucherStatus::Available,
        holding: None,
        ..voucher
    };
    assert_eq!(unissued.status(at(23)), VoucherStatus::Available);
    assert_eq!(unissued.status(at(10_000)), VoucherStatus::Expired);
}

#[test]
fn gives_value_back_for_the_days_of_grace() {
    let voucher = voucher(100);
    let holding = voucher.holding.expect("a holder");
    let settings = configuration();
    let day = 24;
    let destiny_at = |hour| destiny(&voucher, holding, &settings, at(hour));
    // Valid until the end of day 1, with 14 days of grace.
    assert_eq!(destiny_at(0), Destiny::Voucher(at(14 * day)));
    assert_eq!(destiny_at(day), Destiny::Voucher(at(15 * day)));
    assert_eq!(destiny_at(10 * day), Destiny::Voucher(at(15 * day)));
    assert_eq!(destiny_at(15 * day), Destiny::Expiry);
    let mut revoked = voucher.clone();
    revoked.revocation = Some(Revocation {
        at: at(1),
        reason: "a fault".to_owned(),
    });
    let gone = destiny(&revoked, holding, &settings, at(2));
    assert_eq!(gone, Destiny::Revocation);
    let back = ComesBack {
        value: Minor(30),
        price: Minor(3),
    };
    let used = Voucher {
        stored_status: VoucherStatus::FullyRedeemed,
        remaining: Minor::ZERO,
        unearned: Minor::ZERO,
        ..voucher.clone()
    };
    let kept = back.onto(&used, at(50), at(2)).expect("a voucher");
    assert_eq!((kept.remaining, kept.unearned), (Minor(30), Minor(3)));
    assert_eq!(kept.status(at(49)), VoucherStatus::PartiallyRedeemed);
    // An expired voucher keeps only what comes back: its rest was paid out, or is to be.
    assert_eq!(overdue(&voucher, at(23)), None);
    let rest = overdue(&voucher, at(24)).expect("a rest");
    assert_eq!((rest.value, rest.price), (Minor(100), Minor(10)));
    let kept = back.onto(&voucher, at(50), at(24)).expect("a voucher");
    assert_eq!((kept.remaining, kept.unearned), (Minor(30), Minor(3)));
    let booked = Voucher {
        stored_status: VoucherStatus::Expired,
        remaining: Minor(70),
        unearned: Minor(7),
        ..voucher
    };
    let kept = back.onto(&booked, at(50), at(26)).expect("a voucher");
    assert_eq!((kept.remaining, kept.unearned), (Minor(30), Minor(3)));
}

#[test]
fn extends_within_the_longest_validity() {
    let voucher = voucher(100);
    let settings = configuration();
    let extend = |days, hour| extend(&voucher, &person(9), days, &settings, at(hour));
    let extended = extend(364, 1).expect("an extension");
    assert_eq!(
        extended.holding.map(|holding| holding.usable_until),
        Some(at(365 * 24))
    );
    let refused = VoucherRefusal::DaysInvalid { max: 365 };
    for days in [0, -1, 366, 365] {
        assert_eq!(extend(days, 1), Err(refused.clone()), "{days}");
    }
    assert_eq!(extend(1, 24), Err(VoucherRefusal::StatusInvalid));
}

#[test]
fn decides_nothing_about_ones_own() {
    let voucher = voucher(100);
    let reason = Reason::parse("a fault").expect("a reason");
    for own in [voucher.merchant().0, voucher.owner().expect("a holder").0] {
        let person = person(own.as_u128());
        let refused = revoke(&voucher, &person, &reason, at(1));
        assert_eq!(refused, Err(VoucherRefusal::OwnAccount));
    }
    let revoked = revoke(&voucher, &person(9), &reason, at(1)).expect("a revocation");
    assert_eq!(revoked.status(at(1)), VoucherStatus::Expired);
    assert_eq!(
        revoked.revocation().map(|revocation| revocation.at),
        Some(at(1))
    );
    let again = revoke(&revoked, &person(9), &reason, at(2));
    assert_eq!(again, Err(VoucherRefusal::StatusInvalid));
    assert_eq!(voucher.offer.price(), Some(money(10)));
}
