//! Key rotation, invalid settings, and development keys.

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
        secret: Some("x".repeat(48)),
        ..UserSettings::default()
    };
    let good = AuthSettings {
        users,
        services: ServiceSettings::default(),
        development_keys: DevelopmentKeys::Refused,
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
