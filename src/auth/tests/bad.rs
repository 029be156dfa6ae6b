//! Invalid tokens.

use super::*;

#[tokio::test]
async fn refuses_bad_claims() {
    let fixture = Fixture::new("claims");
    let user = user_claims;
    for (name, claims) in [
        ("expired", with(user(), "exp", in_seconds(-40))),
        ("no exp", without(user(), "exp")),
        ("exp is text", with(user(), "exp", "tomorrow")),
        ("exp is negative", with(user(), "exp", -1)),
        (
            "exp in milliseconds",
            with(user(), "exp", 9_999_999_999_999_i64),
        ),
        ("not yet valid", with(user(), "nbf", in_seconds(50))),
        ("iat in the future", with(user(), "iat", in_seconds(50))),
        (
            "iat in milliseconds",
            with(user(), "iat", in_seconds(0) * 1_000),
        ),
        ("iat is text", with(user(), "iat", "now")),
        (
            "iat after exp",
            with(with(user(), "exp", in_seconds(-20)), "iat", in_seconds(-10)),
        ),
        (
            "nbf after exp",
            with(with(user(), "exp", in_seconds(5)), "nbf", in_seconds(10)),
        ),
        (
            "exp in 11 years",
            with(user(), "exp", in_seconds(11 * 366 * 86_400)),
        ),
        ("a lifetime of decades", with(user(), "iat", 0)),
        ("no iss", without(user(), "iss")),
        ("foreign iss", with(user(), "iss", "somebody")),
        (
            "iss is a list",
            with(user(), "iss", json!(["goodgo-platform"])),
        ),
        ("iss of services", with(user(), "iss", "tills")),
        ("no aud", without(user(), "aud")),
        ("foreign aud", with(user(), "aud", "other-api")),
        ("empty aud", with(user(), "aud", json!([]))),
        ("no sub", without(user(), "sub")),
        ("sub is null", with(user(), "sub", Value::Null)),
        ("sub is no UUID", with(user(), "sub", "bob")),
        ("sub with NUL", with(user(), "sub", format!("{USER}\0"))),
        (
            "merchant_id with NUL",
            with(user(), "merchant_id", format!("{USER}\0")),
        ),
        (
            "sub is the nil UUID",
            with(user(), "sub", Uuid::nil().to_string()),
        ),
        (
            "merchant_id is the nil UUID",
            with(user(), "merchant_id", Uuid::nil().to_string()),
        ),
        (
            "advertiser_id is the nil UUID",
            with(user(), "advertiser_id", Uuid::nil().simple().to_string()),
        ),
        (
            "merchant_id is no UUID",
            with(user(), "merchant_id", "shop"),
        ),
        (
            "advertiser_id is a number",
            with(user(), "advertiser_id", 7),
        ),
    ] {
        assert_eq!(
            fixture.authenticate(&fixture.hs256(&claims)).await,
            Err(BadToken),
            "{name}"
        );
    }
    for (name, claims) in [
        ("expired", with(service_claims(), "exp", in_seconds(-40))),
        ("no sub", without(service_claims(), "sub")),
        ("empty sub", with(service_claims(), "sub", "")),
        ("sub with NUL", with(service_claims(), "sub", "till\0s")),
        ("sub of two lines", with(service_claims(), "sub", "till\ns")),
        ("iss with NUL", with(service_claims(), "iss", "goodgo\0")),
        ("no aud", without(service_claims(), "aud")),
        ("foreign aud", with(service_claims(), "aud", "other")),
        (
            "iss of users",
            with(with(service_claims(), "iss", "iam"), "sub", json!(USER)),
        ),
    ] {
        assert_eq!(
            fixture.authenticate(&fixture.ed25519(&claims)).await,
            Err(BadToken),
            "service: {name}"
        );
    }
}

#[tokio::test]
async fn refuses_keys_of_other_issuers() {
    let fixture = Fixture::new("vouching");
    let user = user_claims();
    let iam = with(user_claims(), "iss", "iam");
    let service = service_claims();
    let secret = |bytes: &[u8]| EncodingKey::from_secret(bytes);
    let ed = |pem: &str| EncodingKey::from_ed_pem(pem.as_bytes()).unwrap();
    let shared = fixture.keys.user_secret.as_bytes();
    let theirs = fixture.keys.service_key_pem.as_str();
    let stranger = generate_dev_keys().unwrap().service_key_pem;
    let rsa = || EncodingKey::from_rsa_pem(fixture.rsa_pem.as_bytes()).unwrap();
    let id = kid(&fixture.keys.service_jwks);
    let jwks: Value = serde_json::from_str(&fixture.keys.service_jwks).unwrap();
    let public = URL_SAFE_NO_PAD
        .decode(jwks["keys"][0]["x"].as_str().unwrap())
        .unwrap();
    let (hs, rs, eddsa) = (Algorithm::HS256, Algorithm::RS256, Algorithm::EdDSA);
    for (name, algorithm, kid, claims, key) in [
        ("another secret", hs, "", &user, secret(&[1; 48])),
        (
            "the secret for HS512",
            Algorithm::HS512,
            "",
            &user,
            secret(shared),
        ),
        ("a user by a service's key", eddsa, &id, &user, ed(theirs)),
        ("a service by the secret", hs, "", &service, secret(shared)),
        ("a service by IAM's key", rs, "rsa-1", &service, rsa()),
        (
            "a public key as a service's secret",
            hs,
            &id,
            &service,
            secret(&public),
        ),
        (
            "a public key as the users' secret",
            hs,
            &id,
            &user,
            secret(&public),
        ),
        ("a published secret", hs, "shared", &iam, secret(&[7; 48])),
        (
            "an RSA key for RS512",
            Algorithm::RS512,
            "rsa-1",
            &iam,
            rsa(),
        ),
        (
            "an Ed25519 key under an RSA key's id",
            eddsa,
            "rsa-1",
            &iam,
            ed(theirs),
        ),
        ("an unknown kid", eddsa, "strange", &service, ed(theirs)),
        ("no kid", eddsa, "", &service, ed(theirs)),
        (
            "a stranger's key under a known kid",
            eddsa,
            &id,
            &service,
            ed(&stranger),
        ),
    ] {
        let mut header = Header::new(algorithm);
        header.kid = (!kid.is_empty()).then(|| kid.to_owned());
        let token = sign(&header, claims, &key);
        assert_eq!(fixture.authenticate(&token).await, Err(BadToken), "{name}");
    }
}

#[tokio::test]
async fn refuses_broken_tokens() {
    let fixture = Fixture::new("broken");
    let good = fixture.hs256(&user_claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, body) = message.split_once('.').unwrap();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let admin = URL_SAFE_NO_PAD.encode(with(user_claims(), "role", "ADMIN").to_string());
    let mut critical = Header::new(Algorithm::HS256);
    critical.crit = Some(vec!["exp".into()]);
    let secret = EncodingKey::from_secret(fixture.keys.user_secret.as_bytes());
    let long = with(user_claims(), "padding", "x".repeat(MAX_TOKEN_BYTES));
    for (name, token) in [
        ("none", format!("{none}.{body}.")),
        (
            "none, with a signature",
            format!("{none}.{body}.{signature}"),
        ),
        ("no signature", format!("{message}.")),
        ("two parts", message.to_owned()),
        ("other claims", format!("{header}.{admin}.{signature}")),
        (
            "a critical header",
            sign(&critical, &user_claims(), &secret),
        ),
        ("too long", fixture.hs256(&long)),
        ("nothing", String::new()),
        ("dots", "..".into()),
        ("not base64", "a.b.c".into()),
        ("undefined", "undefined".into()),
        ("not ASCII", "ä.ö.ü".into()),
        ("trailing text", format!("{good} and more")),
    ] {
        assert_eq!(fixture.authenticate(&token).await, Err(BadToken), "{name}");
    }
    for bearer in [
        format!("Basic {good}"),
        format!("Token {good}"),
        good.clone(),
        format!("Bearer Bearer {good}"),
    ] {
        let refused = fixture.authenticator.authenticate(Some(&bearer)).await;
        assert_eq!(refused, Err(BadToken), "{bearer}");
    }
    assert!(fixture.authenticate(&good).await.is_ok());
}
