//! One run of a job: counted, timed, and exported as a trace of its own.

use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;

use super::Telemetry;
use super::operations::record_for;
use super::traces::{EndedSpan, StartTime};

impl Telemetry {
    /// Runs a job once.
    pub async fn job<T, E>(
        &self,
        job: &'static str,
        run: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let started = StartTime::now();
        let span = self.tracer.as_ref().and_then(|tracer| tracer.start_root());
        let record = record_for(span.as_ref());
        let result = record.follow(run).await;
        let outcome = if result.is_ok() { "ok" } else { "error" };
        metrics::counter!("goodgo_job_runs_total", "job" => job, "outcome" => outcome).increment(1);
        metrics::histogram!("goodgo_job_duration_seconds", "job" => job)
            .record(started.instant.elapsed());
        if let (Some(tracer), Some(span)) = (&self.tracer, &span) {
            let ended = EndedSpan {
                name: "job".into(),
                kind: SpanKind::Internal,
                started,
                attributes: vec![
                    KeyValue::new("goodgo.job", job),
                    KeyValue::new("goodgo.outcome", outcome),
                ],
                is_failed: result.is_err(),
            };
            tracer.end(span, ended, Some(&record));
        }
        result
    }
}
