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
