//! QR codes of invitations, decoded.

use super::{Reply, get};
use crate::support::qr::decoded as read;
use crate::support::{test, test_with};

#[test]
fn renders_a_qr_code_that_decodes_to_the_link() {
    test(async |app| {
        let alice = app.miner().await;
        let selection = "referralShareUrl referralQrCodeUrl";
        let miner = alice.own_miner(selection).await;
        let link = format!("https://goodgo.app/invite/{}", alice.code);
        assert_eq!(miner["referralShareUrl"], link);
        let image = miner["referralQrCodeUrl"].as_str().unwrap();
        let path = image.strip_prefix("http://localhost:8080").unwrap();
        let reply = Reply::to(get(app, path)).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-type"), "image/svg+xml");
        assert_eq!(reply.header("cache-control"), "public, max-age=86400");
        assert_eq!(
            reply.header("content-security-policy"),
            "default-src 'none'; frame-ancestors 'none'; sandbox"
        );
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(read(&reply.text), link);
    });
}

#[test]
fn uses_the_configured_link() {
    let settings = [("SHARE_BASE_URL", "http://localhost:3000/join")];
    test_with(&settings, async |app| {
        let reply = Reply::to(get(app, "/invites/a9a9hjkl.svg")).await;
        assert_eq!(read(&reply.text), "http://localhost:3000/join/A9A9HJKL");
    });
}

#[test]
fn takes_codes_as_people_paste_them() {
    test(async |app| {
        for code in [
            "a9a9-hjkl",
            "A9A9%20HJKL",
            "A9A9HJKL%E2%80%8B",
            "%EF%BC%A1%EF%BC%99a9hjkl",
        ] {
            let reply = Reply::to(get(app, &format!("/invites/{code}.svg"))).await;
            assert_eq!(
                read(&reply.text),
                "https://goodgo.app/invite/A9A9HJKL",
                "{code}"
            );
        }
    });
}

#[test]
fn returns_404_for_invalid_codes() {
    test(async |app| {
        for path in [
            "/invites/A9A9HJKL",
            "/invites/A9A9HJKL.png",
            "/invites/A9A9HJKI.svg",
            "/invites/.svg",
            "/invites/%00.svg",
            "/invites/%F2.svg",
            "/invites/A9A9HJKL/x.svg",
        ] {
            assert_eq!(Reply::to(get(app, path)).await.status, 404, "{path}");
        }
        let client = reqwest::Client::new();
        let head = Reply::to(client.head(app.url("/invites/A9A9HJKL.svg"))).await;
        assert_eq!((head.status, head.text.as_str()), (200, ""));
        let post = Reply::to(client.post(app.url("/invites/A9A9HJKL.svg"))).await;
        assert_eq!(
            (post.status, post.header("allow").as_str()),
            (405, "GET,HEAD")
        );
    });
}
