//! Owners: users, merchants, advertisers and calling services. An owner's id is the distribution key of its rows.

use domain::access::Principal;

use crate::prelude::*;
use crate::schema::owners;

/// Kind of the owners that are users.
const USER: &str = "USER";
/// Kind of the owners that are calling services.
const SERVICE: &str = "SERVICE";

/// Key of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// Id within the kind.
    pub id: Uuid,
    /// Kind.
    pub kind: &'static str,
}

impl Owner {
    /// The owner of a caller's own rows; none for anonymous callers.
    #[must_use]
    pub fn of(principal: &Principal) -> Option<Self> {
        match principal {
            Principal::Anonymous => None,
            Principal::Person(person) => Some(person.id.into()),
            Principal::Service(service) => Some(Self {
                id: service_id(&service.issuer, &service.subject),
                kind: SERVICE,
            }),
        }
    }
}

impl From<UserId> for Owner {
    fn from(user: UserId) -> Self {
        Self {
            id: user.0,
            kind: USER,
        }
    }
}

/// Id of a service: the `UUIDv5` of its issuer and subject.
fn service_id(issuer: &str, subject: &str) -> Uuid {
    Uuid::new_v5(
        &Uuid::NAMESPACE_URL,
        format!("{issuer}|{subject}").as_bytes(),
    )
}

/// Inserts the owners that are missing.
pub(crate) async fn ensure(conn: &mut Connection, new: &[Owner]) -> Result<()> {
    let now = crate::clock::now(conn).await?;
    let rows: Vec<_> = new
        .iter()
        .map(|owner| {
            (
                owners::owner_id.eq(owner.id),
                owners::owner_kind.eq(owner.kind),
                owners::created_at.eq(now),
            )
        })
        .collect();
    diesel::insert_into(owners::table)
        .values(rows)
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}
