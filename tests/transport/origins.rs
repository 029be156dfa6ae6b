//! Pages of other origins, apps in web views, and our own page behind a proxy.

use super::sockets::{PROTOCOL, status_of};
use super::{Reply, get};
use crate::support::{TestApp, test_with};

async fn preflight(app: &TestApp, origin: &str, headers: &str) -> Reply {
    let request = reqwest::Client::new()
        .request(reqwest::Method::OPTIONS, app.url("/graphql"))
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", headers);
    Reply::to(request).await
}

#[test]
fn serves_apps_and_normalized_origins() {
    let listed = "capacitor://localhost, ionic://localhost, HTTPS://Admin.Example.com:443";
    test_with(&[("ALLOWED_ORIGINS", listed)], async |app| {
        let wanted = "authorization,content-type,traceparent,tracestate,baggage,sentry-trace";
        for origin in [
            "capacitor://localhost",
            "ionic://localhost",
            "https://admin.example.com",
        ] {
            let reply = preflight(app, origin, wanted).await;
            assert_eq!(reply.header("access-control-allow-origin"), origin);
            let allowed = reply.header("access-control-allow-headers");
            for name in wanted.split(',') {
                assert!(
                    allowed.split(',').any(|allowed| allowed.trim() == name),
                    "{name}: {allowed}"
                );
            }
            let headers = format!("{PROTOCOL}origin: {origin}\r\n");
            assert_eq!(status_of(app.address(), &headers).await, 101, "{origin}");
        }
        let foreign = preflight(app, "capacitor://evil", wanted).await;
        assert_eq!(foreign.header("access-control-allow-origin"), "");
    });
}

#[test]
fn works_behind_a_proxy_with_another_port_and_path() {
    let settings = [("GOODGO_PUBLIC_URL", "https://goodgo.example:8443/api")];
    test_with(&settings, async |app| {
        // The proxy sends its own name of this server as host.
        let headers = format!("{PROTOCOL}origin: https://goodgo.example:8443\r\n");
        assert_eq!(status_of(app.address(), &headers).await, 101);
        let headers = format!("{PROTOCOL}origin: https://goodgo.example\r\n");
        assert_eq!(status_of(app.address(), &headers).await, 403);
        let start = Reply::to(get(app, "/")).await.text;
        for link in ["graphql", "graphiql", "schema.graphql", "health"] {
            assert!(
                start.contains(&format!("https://goodgo.example:8443/api/{link}")),
                "{link}: {start}"
            );
        }
        assert!(!start.contains(&app.address().to_string()), "{start}");
        let graphiql = Reply::to(get(app, "/graphiql")).await.text;
        for absolute in ["src=\"/", "href=\"/"] {
            assert!(!graphiql.contains(absolute), "{graphiql}");
        }
    });
}
