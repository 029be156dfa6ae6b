//! Settings of traces and slow-operation logs.

use std::time::Duration;

use super::reader::Reader;

/// Settings of traces and slow-operation logs.
#[derive(Clone, Debug)]
pub struct TelemetryConfig {
    /// Export of traces; `None` without a collector.
    pub traces: Option<TracesConfig>,
    /// `GOODGO_SLOW_OPERATION_MS`: duration from which on operations are logged, 500; 0 disables this.
    pub slow_operation: Option<Duration>,
}

/// Export of traces.
#[derive(Clone, Debug)]
pub struct TracesConfig {
    /// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, or `OTEL_EXPORTER_OTLP_ENDPOINT` with `/v1/traces` appended: a
    /// collector that accepts OTLP over HTTP.
    pub endpoint: String,
    /// `OTEL_SERVICE_NAME`: the service name, `goodgo`.
    pub service: String,
    /// `OTEL_TRACES_SAMPLER_ARG`: sampled share of traces that start here, 0 to 1: 0.1.
    pub ratio: f64,
}

impl Reader {
    pub fn telemetry(&mut self) -> TelemetryConfig {
        let service = self.text_or("OTEL_SERVICE_NAME", "goodgo");
        let ratio = self.ratio("OTEL_TRACES_SAMPLER_ARG", 0.1);
        let slow = self.number("GOODGO_SLOW_OPERATION_MS", 500, 0, 3_600_000);
        TelemetryConfig {
            traces: self.endpoint().map(|endpoint| TracesConfig {
                endpoint,
                service,
                ratio,
            }),
            slow_operation: (slow > 0).then(|| Duration::from_millis(slow)),
        }
    }

    fn endpoint(&mut self) -> Option<String> {
        let of_all = self.web_address("OTEL_EXPORTER_OTLP_ENDPOINT");
        let of_traces = self.web_address("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        of_traces.or_else(|| of_all.map(|url| format!("{}/v1/traces", url.trim_end_matches('/'))))
    }

    pub fn web_address(&mut self, name: &str) -> Option<String> {
        let url = self.text(name)?;
        let is_good = reqwest::Url::parse(&url)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if !is_good {
            // The value may contain a password.
            self.problems.push(format!(
                "{name} can't be read: write an address such as http://localhost:4318"
            ));
        }
        Some(url)
    }

    fn ratio(&mut self, name: &str, default: f64) -> f64 {
        let Some(text) = self.text(name) else {
            return default;
        };
        match text.parse::<f64>() {
            Ok(ratio) if (0.0..=1.0).contains(&ratio) => ratio,
            _ => {
                self.problems
                    .push(format!("{name} is {text:?}: it is a number from 0 to 1"));
                default
            }
        }
    }
}
