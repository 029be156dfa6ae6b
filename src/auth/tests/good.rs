//! Valid tokens and their principals.

use domain::platform::DisplayName;

use super::*;

#[tokio::test]
async fn treats_requests_without_a_token_as_anonymous() {
    let fixture = Fixture::new("nobody");
    for bearer in [None, Some(""), Some("  ")] {
        let nobody = fixture.authenticator.authenticate(bearer).await.unwrap();
        assert_eq!(nobody.principal, Principal::Anonymous);
        assert_eq!(nobody.expires_at, None);
    }
}

#[tokio::test]
async fn reads_tokens_of_users() {
    let fixture = Fixture::new("users");
    let from = clock::instance_now();
    let token = mint_user(
        &fixture.keys.user_secret,
        &UserToken {
            issuer: "goodgo-platform",
            audience: "goodgo-api",
            user_id: UserId(USER),
            roles: &[Role::Merchant, Role::Advertiser],
            name: Some("Bob"),
            merchant_id: Some(MerchantId(OTHER)),
            advertiser_id: Some(AdvertiserId(USER)),
            validity: Validity {
                from,
                lifetime: TimeDelta::hours(1),
            },
        },
    )
    .unwrap();
    let bearer = format!("bearer  {token}");
    let expected = Authenticated {
        principal: Principal::Person(Person {
            id: UserId(USER),
            issuer: "goodgo-platform".into(),
            roles: vec![Role::User, Role::Merchant, Role::Advertiser],
            merchant_id: Some(MerchantId(OTHER)),
            advertiser_id: Some(AdvertiserId(USER)),
            name: DisplayName::parse("Bob"),
        }),
        expires_at: DateTime::from_timestamp(from.timestamp() + 3600, 0),
    };
    for _ in 0..2 {
        let bob = fixture.authenticator.authenticate(Some(&bearer)).await;
        assert_eq!(
            bob.as_ref(),
            Ok(&expected),
            "first verified, then remembered"
        );
    }

    let claims = with(user_claims(), "iss", "iam");
    let ed_key = EncodingKey::from_ed_pem(fixture.iam.service_key_pem.as_bytes()).unwrap();
    let ed_header = with_kid(Algorithm::EdDSA, &kid(&fixture.iam.service_jwks));
    for token in [fixture.rs256(&claims), sign(&ed_header, &claims, &ed_key)] {
        let person = fixture.authenticate(&token).await.unwrap();
        assert_eq!(person.person().unwrap().issuer, "iam");
    }
}

#[tokio::test]
async fn reads_roles_from_every_claim() {
    let fixture = Fixture::new("roles");
    for (claim, value, roles) in [
        ("role", json!("admin"), vec![Role::User, Role::Admin]),
        (
            "role",
            json!(["Support", "FINANCE"]),
            vec![Role::User, Role::Support, Role::Finance],
        ),
        ("roles", json!("merchant"), vec![Role::User, Role::Merchant]),
        (
            "roles",
            json!(["USER", "SERVICE", "root", 7]),
            vec![Role::User],
        ),
        (
            MICROSOFT_ROLE,
            json!("Advertiser"),
            vec![Role::User, Role::Advertiser],
        ),
        (
            MICROSOFT_ROLE,
            json!(["ADMIN", "ADMIN"]),
            vec![Role::User, Role::Admin],
        ),
        ("scope", json!("wallet:read"), vec![Role::User]),
        (
            "role",
            json!("support, finance,unknown,"),
            vec![Role::User, Role::Support, Role::Finance],
        ),
        (
            "realm_access",
            json!({"roles": ["offline_access", "merchant"]}),
            vec![Role::User, Role::Merchant],
        ),
        ("realm_access", json!(["admin"]), vec![Role::User]),
        ("role", Value::Null, vec![Role::User]),
    ] {
        let token = fixture.hs256(&with(user_claims(), claim, value.clone()));
        let person = fixture.authenticate(&token).await.unwrap();
        assert_eq!(roles_of(&person), roles, "{claim}: {value}");
    }
}

#[tokio::test]
async fn accepts_unusual_valid_tokens() {
    let fixture = Fixture::new("odd");
    for (name, claims) in [
        (
            "several audiences",
            with(user_claims(), "aud", json!(["else", "goodgo-api"])),
        ),
        (
            "a fraction of a second",
            with(
                user_claims(),
                "exp",
                json!(60.5 + f64::from(u32::try_from(in_seconds(0)).unwrap())),
            ),
        ),
        ("just expired", with(user_claims(), "exp", in_seconds(-20))),
        ("valid since now", with(user_claims(), "nbf", in_seconds(0))),
        (
            "valid in a moment",
            with(user_claims(), "nbf", in_seconds(20)),
        ),
        (
            "issued by a fast clock",
            with(user_claims(), "iat", in_seconds(20)),
        ),
        ("empty merchant", with(user_claims(), "merchant_id", "")),
        (
            "an unread claim",
            with(user_claims(), "jti", json!({"any": 1})),
        ),
        ("a name that is none", with(user_claims(), "name", 7)),
    ] {
        assert!(
            fixture.authenticate(&fixture.hs256(&claims)).await.is_ok(),
            "{name}"
        );
    }
}

#[tokio::test]
async fn reads_tokens_of_services() {
    let fixture = Fixture::new("services");
    let minted = mint_service(
        &fixture.keys.service_key_pem,
        &ServiceToken {
            issuer: "tills",
            audience: "goodgo-services",
            subject: "till-7",
            scopes: &[Scope::WalletRead, Scope::WalletHold],
            validity: Validity {
                from: clock::instance_now(),
                lifetime: TimeDelta::minutes(5),
            },
        },
    )
    .unwrap();
    let list = json!(["wallet:hold", "wallet:read", "wallet:read"]);
    for token in [
        minted,
        fixture.ed25519(&service_claims()),
        fixture.ed25519(&with(
            without(service_claims(), "scope"),
            "scopes",
            list.clone(),
        )),
        fixture.ed25519(&with(service_claims(), "scope", list)),
        fixture.ed25519(&with(service_claims(), "role", "ADMIN")),
    ] {
        assert_eq!(
            fixture.authenticate(&token).await,
            Ok(Principal::Service(Service {
                issuer: "tills".into(),
                subject: "till-7".into(),
                scopes: vec![Scope::WalletRead, Scope::WalletHold],
            }))
        );
    }
}
