//! Tests of drafts of the section `wallet`.

use super::*;

/// A change of a draft.
type Edit = fn(&mut WalletDraft);

pub fn code(text: &str) -> CurrencyCode {
    CurrencyCode::parse(text).expect("a code")
}

pub fn currency(text: &str, scale: i32) -> CurrencyDraft {
    CurrencyDraft {
        code: code(text),
        asset_type: AssetType::Point,
        scale,
        display_decimals: 0,
        is_enabled: true,
        dual_control_limit: Decimal::TEN,
        fx_exposure_limit: Decimal::TEN,
        issuance_ceiling: Decimal::TEN,
    }
}

pub fn pair(from: &str, to: &str) -> PairDraft {
    PairDraft {
        from: code(from),
        to: code(to),
        fee_bps: 50,
        static_rate: Some(Decimal::new(15, 1)),
    }
}

pub fn issuer(name: &str) -> IssuerDraft {
    IssuerDraft {
        name: name.to_owned(),
        issuer: "iss".to_owned(),
        subject: format!("sub {name}"),
        deposit_ceilings: vec![(code("USD"), Decimal::ONE_HUNDRED)],
    }
}

pub fn rule(max_count: Option<i32>, max_amount: Option<Decimal>) -> VelocityDraft {
    VelocityDraft {
        operation: VelocityOperation::Hold,
        currency: code("MP"),
        window: VelocityWindow::Day,
        max_count,
        max_amount,
    }
}

pub fn draft() -> WalletDraft {
    WalletDraft {
        clearing_age_hours: 72,
        conversion_pairs: vec![pair("MP", "USD")],
        conversions_frozen: false,
        currencies: vec![currency("MP", 4), currency("USD", 6)],
        hold_max_days: 90,
        issuers: vec![issuer("shop")],
        orphan_hold_minutes: 1_440,
        rate_max_age_seconds: 60,
        rate_max_jump_bps: 500,
        rate_source: RateSource::Static,
        velocity_rules: vec![rule(Some(10), Some(Decimal::TEN))],
    }
}

/// Path and code of the refusal of a changed draft.
fn refused(edit: impl FnOnce(&mut WalletDraft)) -> (String, &'static str) {
    use crate::refusal::Refusal;
    let mut draft = draft();
    edit(&mut draft);
    let refusal = draft.judge(2).expect_err("a refusal");
    (refusal.path.join("."), refusal.code())
}

#[test]
fn accepts_valid_settings() {
    let judged = draft().judge(2).expect("valid settings");
    assert_eq!(judged.version, 2);
    assert_eq!(judged.currencies[0].issuance_ceiling, Minor(100_000));
    assert_eq!(judged.velocity_rules[0].max_amount, Some(Minor(100_000)));
    let ceilings = &judged.issuers[0].deposit_ceilings;
    assert_eq!(ceilings, &[(code("USD"), Minor(100_000_000))]);
    assert_eq!(
        judged.conversion_pairs[0].static_rate,
        Some(Decimal::new(15, 1))
    );
}

#[test]
fn refuses_numbers_out_of_range() {
    const CODE: &str = "SETTING_OUT_OF_RANGE";
    type Edit = fn(&mut WalletDraft, i32);
    let edits: [(&str, i32, Edit); 5] = [
        ("clearingAgeHours", 8_760, |d, n| d.clearing_age_hours = n),
        ("holdMaxDays", 365, |d, n| d.hold_max_days = n),
        ("orphanHoldMinutes", 129_600, |d, n| {
            d.orphan_hold_minutes = n;
        }),
        ("rateMaxAgeSeconds", 86_400, |d, n| {
            d.rate_max_age_seconds = n;
        }),
        ("rateMaxJumpBps", 10_000, |d, n| d.rate_max_jump_bps = n),
    ];
    for (field, max, edit) in edits {
        for wrong in [0, -1, max + 1] {
            assert_eq!(refused(|d| edit(d, wrong)), (field.to_owned(), CODE));
        }
        for right in [1, max] {
            let mut draft = draft();
            edit(&mut draft, right);
            draft.judge(2).expect("a bound");
        }
    }
}

#[test]
fn refuses_wrong_currencies() {
    let cases: &[(Edit, &str, &str)] = &[
        (
            |d| d.currencies.clear(),
            "currencies",
            "SETTING_OUT_OF_RANGE",
        ),
        (
            |d| d.currencies.push(currency("MP", 4)),
            "currencies.2.code",
            "DUPLICATE_ENTRY",
        ),
        (
            |d| d.currencies[0].scale = 7,
            "currencies.0.scale",
            "SETTING_OUT_OF_RANGE",
        ),
        (
            |d| d.currencies[0].display_decimals = 5,
            "currencies.0.displayDecimals",
            "SETTING_OUT_OF_RANGE",
        ),
        (
            |d| d.currencies[1].dual_control_limit = Decimal::NEGATIVE_ONE,
            "currencies.1.dualControlLimit",
            "SETTING_OUT_OF_RANGE",
        ),
        (
            |d| d.currencies[0].fx_exposure_limit = Decimal::new(1, 5),
            "currencies.0.fxExposureLimit",
            "SETTING_TOO_FINE",
        ),
        (
            |d| d.currencies[0].issuance_ceiling = Decimal::from(1_000_000_000_001_i64),
            "currencies.0.issuanceCeiling",
            "SETTING_OUT_OF_RANGE",
        ),
    ];
    for &(edit, path, code) in cases {
        assert_eq!(refused(edit), (path.to_owned(), code));
    }
}

#[test]
fn refuses_wrong_pairs() {
    let cases: &[(Edit, &str, &str)] = &[
        (
            |d| d.conversion_pairs[0].from = self::code("XX"),
            "conversionPairs.0.from",
            "CURRENCY_UNKNOWN",
        ),
        (
            |d| d.conversion_pairs[0].to = self::code("XX"),
            "conversionPairs.0.to",
            "CURRENCY_UNKNOWN",
        ),
        (
            |d| d.conversion_pairs[0].to = self::code("MP"),
            "conversionPairs.0.to",
            "PAIR_INVALID",
        ),
        (
            |d| d.conversion_pairs.push(pair("MP", "USD")),
            "conversionPairs.1",
            "DUPLICATE_ENTRY",
        ),
        (
            |d| d.conversion_pairs[0].static_rate = None,
            "conversionPairs.0.staticRate",
            "PAIR_INVALID",
        ),
        (
            |d| d.conversion_pairs[0].static_rate = Some(Decimal::ZERO),
            "conversionPairs.0.staticRate",
            "SETTING_OUT_OF_RANGE",
        ),
        (
            |d| d.conversion_pairs[0].static_rate = Some(Decimal::new(1, 13)),
            "conversionPairs.0.staticRate",
            "SETTING_TOO_FINE",
        ),
        (
            |d| d.conversion_pairs[0].fee_bps = 10_001,
            "conversionPairs.0.feeBps",
            "SETTING_OUT_OF_RANGE",
        ),
    ];
    for &(edit, path, code) in cases {
        assert_eq!(refused(edit), (path.to_owned(), code));
    }
    let mut recorded = draft();
    recorded.rate_source = RateSource::Recorded;
    recorded.conversion_pairs[0].static_rate = None;
    recorded
        .judge(2)
        .expect("recorded rates need no static one");
}

#[test]
fn refuses_wrong_issuers() {
    for name in [
        "",
        "Shop",
        "my shop",
        "mining",
        "promotions",
        "billing",
        "wallets",
    ] {
        let edit = |d: &mut WalletDraft| d.issuers[0].name = name.to_owned();
        let path = "issuers.0.name".to_owned();
        assert_eq!(refused(edit), (path, "NAME_INVALID"), "{name}");
    }
    let cases: &[(Edit, &str, &str)] = &[
        (
            |d| d.issuers[0].name = "a".repeat(41),
            "issuers.0.name",
            "NAME_INVALID",
        ),
        (
            |d| d.issuers.push(issuer("shop")),
            "issuers.1.name",
            "DUPLICATE_ENTRY",
        ),
        (
            |d| {
                d.issuers.push(IssuerDraft {
                    name: "other".to_owned(),
                    ..issuer("shop")
                });
            },
            "issuers.1.subject",
            "DUPLICATE_ENTRY",
        ),
        (
            |d| d.issuers[0].issuer = String::new(),
            "issuers.0.issuer",
            "SETTING_OUT_OF_RANGE",
        ),
        (
            |d| d.issuers[0].subject = "a\u{0}b".to_owned(),
            "issuers.0.subject",
            "SETTING_OUT_OF_RANGE",
        ),
        (
            |d| d.issuers[0].deposit_ceilings[0].0 = self::code("XX"),
            "issuers.0.depositCeilings.0.currency",
            "CURRENCY_UNKNOWN",
        ),
        (
            |d| {
                let ceilings = &mut d.issuers[0].deposit_ceilings;
                ceilings.push((self::code("USD"), Decimal::ONE));
            },
            "issuers.0.depositCeilings.1.currency",
            "DUPLICATE_ENTRY",
        ),
        (
            |d| d.issuers[0].deposit_ceilings[0].1 = Decimal::new(1, 7),
            "issuers.0.depositCeilings.0.amount",
            "SETTING_TOO_FINE",
        ),
    ];
    for &(edit, path, code) in cases {
        assert_eq!(refused(edit), (path.to_owned(), code));
    }
}

#[test]
fn refuses_wrong_velocity_rules() {
    let cases: &[(Edit, &str, &str)] = &[
        (
            |d| d.velocity_rules[0].currency = self::code("XX"),
            "velocityRules.0.currency",
            "CURRENCY_UNKNOWN",
        ),
        (
            |d| d.velocity_rules.push(rule(None, None)),
            "velocityRules.1",
            "DUPLICATE_ENTRY",
        ),
        (
            |d| d.velocity_rules[0].max_count = Some(-1),
            "velocityRules.0.maxCount",
            "SETTING_OUT_OF_RANGE",
        ),
        (
            |d| d.velocity_rules[0].max_amount = Some(Decimal::new(1, 5)),
            "velocityRules.0.maxAmount",
            "SETTING_TOO_FINE",
        ),
        (
            |d| {
                d.velocity_rules[0].max_count = None;
                d.velocity_rules[0].max_amount = None;
            },
            "velocityRules.0",
            "RULE_WITHOUT_LIMIT",
        ),
    ];
    for &(edit, path, code) in cases {
        assert_eq!(refused(edit), (path.to_owned(), code));
    }
}

#[test]
fn refuses_removed_and_rescaled_currencies() {
    let in_force = draft().judge(1).expect("valid");
    let none = BTreeSet::new();
    let used = BTreeSet::from([code("MP"), code("USD")]);
    let mut fewer = draft();
    fewer.currencies.remove(0);
    fewer.conversion_pairs.clear();
    fewer.velocity_rules.clear();
    let fewer = fewer.judge(2).expect("valid");
    let refusal = fewer
        .judge_currencies(&in_force, &none)
        .expect_err("missing");
    assert_eq!(refusal.problem, ConfigurationProblem::CurrencyMissing);
    let mut rescaled = draft();
    rescaled.currencies[1].scale = 2;
    let rescaled = rescaled.judge(2).expect("valid");
    assert_eq!(rescaled.rescaled(&in_force), [(1, code("USD"))]);
    assert_eq!(rescaled.judge_currencies(&in_force, &none), Ok(()));
    let refusal = rescaled
        .judge_currencies(&in_force, &used)
        .expect_err("used");
    assert_eq!(refusal.problem, ConfigurationProblem::ScaleFixed);
    assert_eq!(refusal.path, ["currencies", "1", "scale"]);
    let mut more = draft();
    more.currencies.push(currency("GEM", 2));
    let more = more.judge(2).expect("valid");
    assert_eq!(more.judge_currencies(&in_force, &used), Ok(()));
}

#[test]
fn keeps_names_in_use_with_their_service() {
    let service = |name: &str, subject: &str| IssuerDraft {
        name: name.to_owned(),
        issuer: "iam".to_owned(),
        subject: subject.to_owned(),
        deposit_ceilings: Vec::new(),
    };
    let with = |issuers: &[IssuerDraft]| {
        let mut draft = draft();
        draft.issuers = issuers.to_vec();
        draft.judge(2).expect("valid")
    };
    let in_force = with(&[service("game", "a"), service("shop", "b")]);
    let (none, used) = (BTreeSet::new(), BTreeSet::from(["game".to_owned()]));
    for (issuers, path) in [
        (&[service("shop", "b"), service("game", "a")][..], None),
        (&[service("game", "a"), service("store", "b")], None),
        (&[service("game", "a")], None),
        (&[service("shop", "b")], Some("issuers")),
        (
            &[service("shop", "b"), service("play", "a")],
            Some("issuers.1.name"),
        ),
        (
            &[service("game", "c"), service("shop", "b")],
            Some("issuers.0.name"),
        ),
        // Two services that exchange their names.
        (
            &[service("shop", "a"), service("game", "b")],
            Some("issuers.1.name"),
        ),
    ] {
        let after = with(issuers);
        assert_eq!(after.judge_issuers(&in_force, &none), Ok(()));
        let refused = after.judge_issuers(&in_force, &used).err();
        let refused = refused.map(|refusal| refusal.path.join("."));
        assert_eq!(refused.as_deref(), path, "{issuers:?}");
    }
    // A name that no service has at present, but that has holds.
    let given = with(&[service("game", "a")]);
    let refusal = given.judge_issuers(&with(&[]), &used).expect_err("taken");
    assert_eq!(refusal.problem, ConfigurationProblem::IssuerInUse);
}
