//! People of the platform, as known from their tokens.

use diesel::dsl::Eq;
use diesel::{ExpressionMethods, QueryDsl, Queryable};
use diesel_async::RunQueryDsl;
use domain::access::Person;
use domain::ids::UserId;
use domain::platform::DisplayName;
use domain::text::fold;
use domain::time::Timestamp;
use uuid::Uuid;

use crate::schema::{demo_people, users};
use crate::{Connection, Result, Tx};

/// A person known to the platform.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct User {
    /// Subject of their tokens.
    #[diesel(deserialize_as = Uuid)]
    pub id: UserId,
    /// Name that others see.
    pub display_name: String,
    /// Time their identity was verified.
    pub kyc_completed_at: Option<Timestamp>,
}

/// People by id.
pub async fn by_id(conn: &mut Connection, ids: &[UserId]) -> Result<Vec<User>> {
    Ok(users::table
        .filter(users::id.eq_any(ids.iter().map(|id| id.0)))
        .select((users::id, users::display_name, users::kyc_completed_at))
        .load(conn)
        .await?)
}

/// Inserts a person, or updates the name from the token. Without a name in the token, a new person is named `Miner` and
/// four random characters.
pub(crate) async fn ensure(tx: &mut Tx, id: UserId, name: Option<&DisplayName>) -> Result<()> {
    let insert = diesel::insert_into(users::table).values(row(tx, id, name));
    match name {
        None => {
            let insert = insert.on_conflict_do_nothing();
            insert.execute(tx.conn()).await?
        }
        Some(name) => {
            let insert = insert.on_conflict(users::id).do_update();
            let insert = insert.set(name_columns(name.as_str()));
            insert.execute(tx.conn()).await?
        }
    };
    Ok(())
}

/// Inserts a person, if there is none with this id. It does not wait for commands that hold the person's row.
pub(crate) async fn ensure_exists(tx: &mut Tx, person: &Person) -> Result<()> {
    diesel::insert_into(users::table)
        .values(row(tx, person.id, person.name.as_ref()))
        .on_conflict_do_nothing()
        .execute(tx.conn())
        .await?;
    Ok(())
}

type Row = (
    Eq<users::id, Uuid>,
    NameColumns,
    Eq<users::registered_at, Timestamp>,
);

fn row(tx: &Tx, id: UserId, name: Option<&DisplayName>) -> Row {
    let name = name.cloned();
    let name = name.unwrap_or_else(|| DisplayName::generated(tx.ids().bytes()));
    (
        users::id.eq(id.0),
        name_columns(name.as_str()),
        users::registered_at.eq(tx.now()),
    )
}

type NameColumns = (
    Eq<users::display_name, String>,
    Eq<users::display_name_folded, String>,
);

/// A name and the form in which searches compare it.
pub(crate) fn name_columns(name: &str) -> NameColumns {
    (
        users::display_name.eq(name.to_owned()),
        users::display_name_folded.eq(fold(name)),
    )
}

/// Locks a person's row; returns the time their identity was verified. Every command takes this lock before those of
/// the person's referral and miner, so reads and writes of the verification are serialized.
pub(crate) async fn lock_kyc(conn: &mut Connection, id: UserId) -> Result<Option<Timestamp>> {
    Ok(users::table
        .find(id.0)
        .select(users::kyc_completed_at)
        .for_no_key_update()
        .first(conn)
        .await?)
}

/// Stores when a person's identity was verified.
pub(crate) async fn store_kyc(tx: &mut Tx, id: UserId, at: Timestamp) -> Result<()> {
    diesel::update(users::table.find(id.0))
        .set(users::kyc_completed_at.eq(at))
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// The named people of the demo data.
pub async fn demo_people(conn: &mut Connection) -> Result<Vec<(String, UserId)>> {
    let people: Vec<(String, uuid::Uuid)> = demo_people::table
        .order(demo_people::name)
        .select((demo_people::name, demo_people::user_id))
        .load(conn)
        .await?;
    Ok(people
        .into_iter()
        .map(|(name, id)| (name, UserId(id)))
        .collect())
}
