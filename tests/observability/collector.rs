//! OTLP collector that stores the spans it receives.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;

/// Listening collector.
pub struct Collector {
    /// Address of the collector.
    pub url: String,
    told: Arc<Mutex<Vec<Bytes>>>,
}

/// Received span.
#[derive(Clone, Debug)]
pub struct Told {
    pub name: String,
    pub trace: String,
    pub id: String,
    pub parent: String,
    pub is_failed: bool,
    pub attributes: HashMap<String, String>,
    pub nanoseconds: u64,
}

impl Collector {
    pub async fn start() -> Self {
        let told: Arc<Mutex<Vec<Bytes>>> = Arc::default();
        let heard = Arc::clone(&told);
        let router = Router::new().route(
            "/v1/traces",
            post(async move |body: Bytes| heard.lock().unwrap().push(body)),
        );
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", tcp.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(tcp, router).await });
        Self { url, told }
    }

    /// Whether any received span contains a text.
    pub fn knows(&self, text: &str) -> bool {
        let told = self.told.lock().unwrap();
        told.iter().any(|bytes| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        })
    }

    /// Received spans.
    pub fn spans(&self) -> Vec<Told> {
        let told = self.told.lock().unwrap();
        let requests = told
            .iter()
            .map(|bytes| ExportTraceServiceRequest::decode(bytes.clone()).unwrap());
        requests
            .flat_map(|request| request.resource_spans)
            .inspect(|of| {
                let resource = attributes(&of.resource.as_ref().unwrap().attributes);
                assert_eq!(resource["service.name"], "shop");
            })
            .flat_map(|of| of.scope_spans)
            .flat_map(|of| of.spans)
            .map(Told::from)
            .collect()
    }

    /// The only span of this name.
    pub fn only(&self, name: &str) -> Told {
        let named: Vec<_> = self.named(name);
        assert_eq!(named.len(), 1, "{name}: {:?}", self.spans());
        named[0].clone()
    }

    /// All spans of this name.
    pub fn named(&self, name: &str) -> Vec<Told> {
        let mut spans = self.spans();
        spans.retain(|span| span.name == name);
        spans
    }
}

impl Told {
    /// Value of an attribute; empty without it.
    pub fn says(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

impl From<Span> for Told {
    fn from(span: Span) -> Self {
        Self {
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            is_failed: span.status.is_some_and(|status| status.code == 2),
            attributes: attributes(&span.attributes),
            nanoseconds: span.end_time_unix_nano - span.start_time_unix_nano,
            name: span.name,
        }
    }
}

fn attributes(of: &[KeyValue]) -> HashMap<String, String> {
    let text = |value: Option<&AnyValue>| match value.and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("an attribute of another kind: {other:?}"),
    };
    of.iter()
        .map(|pair| (pair.key.clone(), text(pair.value.as_ref())))
        .collect()
}

/// Bytes in hexadecimal, as in traces and logs.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
