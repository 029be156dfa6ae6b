//! One run of a job: counted, timed, and a trace of its own.

use db::record::Record;
use opentelemetry::KeyValue;
use opentelemetry::trace::SpanKind;

use super::Telemetry;
use super::traces::{Moment, Root};

impl Telemetry {
    /// Runs a job once.
    pub async fn job<T, E>(
        &self,
        job: &'static str,
        run: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let started = Moment::now();
        let place = self.tracer.as_ref().and_then(|tracer| tracer.begin());
        let record = if place.is_some() {
            Record::noting()
        } else {
            Record::counting()
        };
        let done = record.follow(run).await;
        let outcome = if done.is_ok() { "ok" } else { "error" };
        metrics::counter!("goodgo_job_runs_total", "job" => job, "outcome" => outcome).increment(1);
        metrics::histogram!("goodgo_job_duration_seconds", "job" => job)
            .record(started.instant.elapsed());
        if let (Some(tracer), Some(place)) = (&self.tracer, &place) {
            let root = Root {
                name: "job".into(),
                kind: SpanKind::Internal,
                started,
                attributes: vec![
                    KeyValue::new("goodgo.job", job),
                    KeyValue::new("goodgo.outcome", outcome),
                ],
                is_failed: done.is_err(),
            };
            tracer.tell(place, root, Some(&record));
        }
        done
    }
}
