//! References of transfers and holds to objects of the platform or of services.

use domain::wallets::ServiceReference as Reference;

use crate::node::AnyId;
use crate::prelude::*;

object! {
    /// Object of a service, such as a bet or an order.
    ServiceReference(reference: Reference) {
        /// Name of the service.
        issuer: String = reference.issuer,
        /// Key of the object at the service, 1 to 128 visible ASCII characters.
        reference_id: String = reference.id,
        /// Kind of object in the service's own words, 1 to 40 characters of a–z and underscore.
        reference_type: String = reference.of_type,
    }
}

/// Kind and id of an object of the platform, as the ledger stores them.
pub(crate) fn stored(id: &AnyId) -> Result<(String, String)> {
    let bad = || ApiError::bad_input("no transfer or hold is about an object of this type");
    let kind = match id.kind.as_str() {
        "MiningSession" => "mining_session",
        "Miner" => "miner",
        _ => return Err(bad()),
    };
    // The key of an object is its uuid, behind that of its owner.
    let uuid = id.key.len().checked_sub(32).and_then(|at| id.key.get(at..));
    let uuid = uuid.and_then(|uuid| Uuid::try_parse(uuid).ok());
    Ok((kind.to_owned(), uuid.ok_or_else(bad)?.to_string()))
}
