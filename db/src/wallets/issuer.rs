//! The name of the calling service.

use domain::access::Principal;
use domain::wallets::WalletConfiguration;

use crate::command::{Request, actor};
use crate::{DbError, Result};

/// Name by which the configuration knows the calling service.
pub(super) fn name_of(configuration: &WalletConfiguration, request: &Request) -> Result<String> {
    let (issuer, subject) = actor(&request.principal);
    let known = match request.principal {
        Principal::Service(_) => configuration.issuer(&issuer, &subject),
        Principal::Anonymous | Principal::Person(_) => None,
    };
    known
        .map(|known| known.name.clone())
        .ok_or(DbError::IssuerUnknown)
}

/// Name of the service that owns the reference of a command: of services the calling one, which may also be named; people
/// have to name it.
pub(super) fn owner_of_reference(
    configuration: &WalletConfiguration,
    request: &Request,
    named: Option<&String>,
) -> Result<String> {
    if let Principal::Person(_) = request.principal {
        return named.cloned().ok_or(DbError::IssuerMissing);
    }
    let own = name_of(configuration, request)?;
    if named.is_some_and(|named| *named != own) {
        return Err(DbError::IssuerForeign);
    }
    Ok(own)
}
