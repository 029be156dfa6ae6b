//! Key rotation, invalid settings, and development keys.

use sha2::Digest as _;

use super::*;

#[tokio::test(start_paused = true)]
async fn refreshes_keys_and_keeps_the_last_valid_ones() {
    let fixture = Fixture::new("rotation");
    let rotated = generate_dev_keys().unwrap();
    let new_key = EncodingKey::from_ed_pem(rotated.service_key_pem.as_bytes()).unwrap();
    let claims = with(user_claims(), "iss", "iam");
    let new = sign(
        &with_kid(Algorithm::EdDSA, &kid(&rotated.service_jwks)),
        &claims,
        &new_key,
    );

    std::fs::write(&fixture.jwks_path, &rotated.service_jwks).unwrap();
    assert_eq!(
        fixture.authenticate(&new).await,
        Err(BadToken),
        "fetched a moment ago"
    );
    tokio::time::advance(std::time::Duration::from_secs(31)).await;
    assert!(fixture.authenticate(&new).await.is_ok(), "fetched again");
    assert_eq!(
        fixture.authenticate(&fixture.rs256(&claims)).await,
        Err(BadToken),
        "withdrawn"
    );

    std::fs::write(&fixture.jwks_path, "not json").unwrap();
    tokio::time::advance(std::time::Duration::from_secs(31)).await;
    assert_eq!(
        fixture.authenticate(&fixture.rs256(&claims)).await,
        Err(BadToken)
    );
    let again = sign(
        &with_kid(Algorithm::EdDSA, &kid(&rotated.service_jwks)),
        &with(claims, "name", "Bob"),
        &new_key,
    );
    assert!(
        fixture.authenticate(&again).await.is_ok(),
        "the last good ones are kept"
    );
}

#[test]
fn refuses_insecure_settings() {
    let users = UserSettings {
        secret: Some("8Zy3Fq0uVb7Lk2Rw9Xn4Tc6Hs1Jd5MgP".into()),
        ..UserSettings::default()
    };
    let good = AuthSettings {
        users,
        services: ServiceSettings::default(),
        development_keys: DevelopmentKeys::Refused,
        leeway_seconds: DEFAULT_LEEWAY_SECONDS,
    };
    assert!(Authenticator::new(good.clone()).is_ok());
    let refused = |change: fn(&mut AuthSettings)| {
        let mut settings = good.clone();
        change(&mut settings);
        Authenticator::new(settings)
            .map(drop)
            .unwrap_err()
            .to_string()
    };
    for (change, problem) in [
        (
            (|s| s.users.issuers.clear()) as fn(&mut AuthSettings),
            "no issuer",
        ),
        (|s| s.services.audiences.clear(), "no audience"),
        (|s| s.users.secret = None, "no key"),
        (
            |s| s.users.secret = Some("short".into()),
            "needs at least 32",
        ),
        (
            |s| s.services.issuers = s.users.issuers.clone(),
            "remove one",
        ),
        (
            |s| s.users.secret = Some("your-super-secret-key-min-32-characters".into()),
            "development secret",
        ),
        (|s| s.users.secret = Some("x".repeat(48)), "is predictable"),
        (
            |s| s.users.jwks = vec![JwksSource::File("/nowhere/jwks.json".into())],
            "can't read",
        ),
    ] {
        let text = refused(change);
        assert!(text.contains(problem), "{text}");
    }
}

#[test]
fn recognizes_development_keys() {
    let keys = generate_dev_keys().unwrap();
    assert!(keys.user_secret.len() >= 48);
    assert!(is_development_secret(&keys.user_secret));
    assert!(is_development_secret(
        "your-super-secret-key-min-32-characters"
    ));
    assert!(!is_development_secret(&"x".repeat(48)));
    assert!(kid(&keys.service_jwks).starts_with("dev-"));
    let wanted = |development_keys| source::KeyFilter {
        algorithms: &[Algorithm::EdDSA],
        development_keys,
    };
    let bytes = keys.service_jwks.as_bytes();
    assert_eq!(
        wanted(DevelopmentKeys::Accepted)
            .parse(bytes)
            .unwrap()
            .len(),
        1
    );
    assert!(
        wanted(DevelopmentKeys::Refused)
            .parse(bytes)
            .unwrap()
            .is_empty()
    );
    assert_ne!(generate_dev_keys().unwrap().user_secret, keys.user_secret);
    let settings = UserSettings {
        secret: Some("hush".into()),
        ..UserSettings::default()
    };
    assert!(!format!("{settings:?}").contains("hush"), "no log has it");
}

#[test]
fn recognizes_predictable_secrets() {
    for predictable in [
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "abababababababababababababababababab",
        "passwordpasswordpasswordpassword",
        "0123456789abcdef0123456789abcdef",
        "abcdefghijklmnopqrstuvwxyz0123456789",
        "zyxwvutsrqponmlkjihgfedcba9876543210",
        "11111111111111112222222222222222",
        "your-256-bit-secret-your-256-bit-secret",
        "Please-Change-This-2026-09-bK4wq7Lx1Zr",
        "qwertyuiopasdfghjklzxcvbnm1234567890",
    ] {
        assert!(is_predictable(predictable), "{predictable}");
    }
    for number in 0..1_000_u32 {
        let hash = sha2::Sha256::digest(number.to_be_bytes());
        let digits = hex::encode(&hash[..16]);
        let base64 = STANDARD.encode(&hash[..24]);
        assert!(
            !is_predictable(&digits) && !is_predictable(&base64),
            "{digits}"
        );
    }
    assert!(!is_predictable("Vk2rT9-wQ7xLm4-Hd8pZ3-Jc6nB1-Yf5sG0"));
}

#[test]
fn hides_passwords_of_key_sources() {
    let source: JwksSource = "https://bob:hunter2@iam.example/jwks.json?key=hunter3"
        .parse()
        .unwrap();
    let shown = format!("{source} {source:?}");
    assert!(shown.contains("https://iam.example/jwks.json"), "{shown}");
    assert!(!shown.contains("hunter"), "{shown}");
    let upper = "HTTPS://iam.example/jwks.json".parse::<JwksSource>();
    assert!(matches!(upper, Ok(JwksSource::Url(_))), "{upper:?}");
    for wrong in [
        "https://bob:hunter2@:1/",
        "htps://bob:hunter2@iam.example/",
        "https:/bob:hunter2@iam.example/",
        "iam.example/jwks.json?key=hunter3",
    ] {
        let error = wrong.parse::<JwksSource>().expect_err(wrong);
        assert!(!format!("{error:#}").contains("hunter"), "{error:#}");
    }
}
