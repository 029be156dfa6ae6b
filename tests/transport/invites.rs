//! QR codes of invitations, decoded.

use super::{Reply, get};
use crate::support::{test, test_with};

/// Decodes a QR code from an SVG of dark rectangles.
fn read(svg: &str) -> String {
    let number = |text: &str| text.parse::<usize>().unwrap();
    let (_, rest) = svg.split_once("viewBox=\"0 0 ").unwrap();
    let side = number(rest.split_once(' ').unwrap().0);
    let (_, path) = svg.split_once(" d=\"").unwrap();
    let path = path.split_once('"').unwrap().0;
    let mut is_dark = vec![vec![false; side]; side];
    // A path is M{left} {top}h{width}v{height}H{left}V{top}.
    for rectangle in path.split('M').skip(1) {
        let (left, rest) = rectangle.split_once(' ').unwrap();
        let (top, rest) = rest.split_once('h').unwrap();
        let (width, rest) = rest.split_once('v').unwrap();
        let height = rest.split_once('H').unwrap().0;
        let (left, top) = (number(left), number(top));
        for row in &mut is_dark[top..top + number(height)] {
            row[left..left + number(width)].fill(true);
        }
    }
    let grey = |x: usize, y: usize| if is_dark[y][x] { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, grey);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1);
    grids[0].decode().unwrap().1
}

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
