//! Causes of postings.

use crate::named::named;

named! {
    /// Origin of a posting; decides which evidence the checker requires.
    Origin;

    /// A command of a user: has an idempotency key and an event.
    User = "USER";

    /// A command of staff: also has an audit entry.
    Staff = "STAFF";

    /// A command of another service: its transfers carry the request.
    Service = "SERVICE";

    /// A background job: has an event.
    Job = "JOB";

    /// Demo data.
    Seed = "SEED";
}

/// Who and what caused a posting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostingCause {
    /// Capacity in which the caller acted.
    pub origin: Origin,
    /// Issuer and subject of the caller; none for jobs and demo data.
    pub caller: Option<(String, String)>,
    /// Id of the request; none for jobs and demo data.
    pub request_id: Option<String>,
}

impl PostingCause {
    /// A cause without a caller: a job, or demo data.
    #[must_use]
    pub fn without_caller(origin: Origin) -> Self {
        Self {
            origin,
            caller: None,
            request_id: None,
        }
    }
}
