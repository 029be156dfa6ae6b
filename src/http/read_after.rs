//! The position of a caller's last write, in a header of answers and of later requests.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use db::{NoPosition, ReadAfter, ReadFrom};
use domain::access::Principal;

/// The header with the position.
pub const HEADER: HeaderName = HeaderName::from_static("x-read-after");

/// The position that a request has. Fails if it is none, or if there are several.
pub fn of(headers: &HeaderMap) -> Result<ReadAfter, NoPosition> {
    let mut values = headers.get_all(HEADER).iter();
    let position = match (values.next(), values.next()) {
        (None, _) => None,
        (Some(value), None) => Some(value.to_str().map_err(|_| NoPosition)?.parse()?),
        (Some(_), Some(_)) => return Err(NoPosition),
    };
    Ok(ReadAfter::sent(position))
}

/// Adds the position of a request's last write to its answer.
pub fn add(response: &mut Response, read_after: &ReadAfter) {
    let position = read_after.to_send().map(|position| position.to_string());
    if let Some(Ok(value)) = position.map(HeaderValue::try_from) {
        response.headers_mut().insert(HEADER, value);
    }
}

/// The server for a caller's queries. Only callers whose queries show data of others may read a replica without a
/// position.
#[must_use]
pub fn server_for(principal: &Principal) -> ReadFrom {
    match principal {
        Principal::Anonymous => ReadFrom::Replica,
        Principal::Person(person) if person.is_staff() => ReadFrom::Replica,
        Principal::Person(_) | Principal::Service(_) => ReadFrom::ReplicaWithPosition,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_position() {
        let is_read = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(HEADER, HeaderValue::from_static(value));
            }
            of(&headers).is_ok()
        };
        assert!(is_read(&[]) && is_read(&["16/B374D848"]));
        for bad in [&[""][..], &["now"], &["1/2", "1/2"]] {
            assert!(!is_read(bad), "{bad:?}");
        }
    }
}
