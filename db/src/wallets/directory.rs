//! Payments at providers: each of them becomes one object, whatever the order in which it is reported.

use domain::wallets::ProviderPayment;

use crate::prelude::*;
use crate::schema::external_references as directory;

/// Direction of a payment. A provider's keys are unique within each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    /// Payments into the platform.
    Payment,
    /// Payments out of the platform.
    Payout,
}

impl Space {
    fn name(self) -> &'static str {
        match self {
            Self::Payment => "PAYMENT",
            Self::Payout => "PAYOUT",
        }
    }
}

/// Owner and id of the object that a payment became.
pub(super) async fn find(
    conn: &mut Connection,
    space: Space,
    payment: &ProviderPayment,
) -> Result<Option<[Uuid; 2]>> {
    let found: Option<(Uuid, Uuid)> = directory::table
        .find((&payment.reference, &payment.provider, space.name()))
        .select((directory::owner_id, directory::object_id))
        .first(conn)
        .await
        .optional()?;
    Ok(found.map(Into::into))
}

/// Stores the object of a payment at the end of the transaction, which is retried when another one has stored it first.
pub(super) fn store(tx: &mut Tx, space: Space, payment: &ProviderPayment, object: [Uuid; 2]) {
    let insert = diesel::insert_into(directory::table)
        .values((
            directory::space.eq(space.name()),
            directory::provider.eq(payment.provider.clone()),
            directory::reference.eq(payment.reference.clone()),
            directory::owner_id.eq(object[0]),
            directory::object_id.eq(object[1]),
        ))
        .on_conflict_do_nothing();
    tx.write_last_racing("external_references", 1, insert);
}
