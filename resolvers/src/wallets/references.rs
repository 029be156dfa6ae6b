//! References of transfers and holds to objects of the platform or of services. Contexts register their objects.

use async_graphql::OutputType;
use async_graphql::registry::Registry;
use domain::wallets::ServiceReference as Reference;
use futures_util::future::BoxFuture;

use crate::abstracts::{Abstract, AbstractKind, AbstractType, DynOutput};
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

/// The union `LedgerReference`. Contexts register its members.
pub struct AnyReference;

impl AbstractType for AnyReference {
    const NAME: &'static str = "LedgerReference";
    const DESCRIPTION: &'static str =
        "Object of the platform, or reference of a service, that a transfer or hold is about.";
    const KIND: AbstractKind = AbstractKind::Union;
}

/// Any member of `LedgerReference`.
pub type LedgerReference = Abstract<AnyReference>;

type Load =
    for<'a> fn(&'a Context<'a>, OwnerId, Uuid) -> BoxFuture<'a, Result<Option<LedgerReference>>>;

type Stored = for<'a> fn(&'a Context<'a>, &'a AnyId) -> BoxFuture<'a, Result<Option<Uuid>>>;

/// A registered member of [`AnyReference`]: objects of a type, by the kind that the ledger stores.
#[derive(Clone, Copy)]
pub(crate) struct RegisteredReference {
    /// Kind in the ledger.
    kind: &'static str,
    /// Name of the type.
    type_name: &'static str,
    pub register: fn(&mut Registry) -> String,
    load: Load,
    stored: Stored,
}

impl RegisteredReference {
    /// Objects of the type `T`, whose ids carry the owner of the transfer.
    pub const fn of<T>(kind: &'static str) -> Self
    where
        T: NodeType,
        T::Key: From<[Uuid; 2]>,
    {
        let load: Load = |ctx, owner, uuid| {
            async move {
                let found = T::load(ctx, [owner.0, uuid].into()).await?;
                Ok(found.map(reference))
            }
            .boxed()
        };
        Self::custom::<T>(kind, load, uuid_of)
    }

    /// Objects that are found in another way.
    pub const fn custom<T: NodeType>(kind: &'static str, load: Load, stored: Stored) -> Self {
        Self {
            kind,
            type_name: T::KIND,
            register: T::create_type_info,
            load,
            stored,
        }
    }
}

/// Uuid of an object whose id ends with it.
pub(crate) fn uuid_of<'a>(
    _: &'a Context<'a>,
    id: &'a AnyId,
) -> BoxFuture<'a, Result<Option<Uuid>>> {
    let uuid = id.key.len().checked_sub(32).and_then(|at| id.key.get(at..));
    let uuid = uuid.and_then(|uuid| Uuid::try_parse(uuid).ok());
    std::future::ready(Ok(uuid)).boxed()
}

/// An object as a reference.
pub(crate) fn reference(object: impl OutputType + 'static) -> LedgerReference {
    LedgerReference::new(Box::new(object) as Box<dyn DynOutput>)
}

/// The registered members, by context.
pub(crate) struct References(pub &'static [&'static [RegisteredReference]]);

impl References {
    fn find(
        &self,
        is_wanted: impl Fn(&RegisteredReference) -> bool,
    ) -> Option<&RegisteredReference> {
        let mut all = self.0.iter().copied().flatten();
        all.find(|known| is_wanted(known))
    }
}

/// Loads what the ledger stored as kind and id at the home of a transfer; none if the caller may not see it.
pub(crate) async fn load_reference(
    ctx: &Context<'_>,
    owner: OwnerId,
    kind: &str,
    id: &str,
) -> Result<Option<LedgerReference>> {
    if let Some(of_service) = Reference::of(kind, id) {
        return Ok(Some(reference(ServiceReference::of(of_service))));
    }
    let references: &References = ctx.registered();
    let known = references.find(|known| known.kind == kind);
    match known.zip(Uuid::try_parse(id).ok()) {
        Some((known, uuid)) => (known.load)(ctx, owner, uuid).await,
        None => Ok(None),
    }
}

/// Kind and id of an object of the platform, as the ledger stores them.
pub(crate) async fn stored(ctx: &Context<'_>, id: &AnyId) -> Result<(String, String)> {
    let bad = || ApiError::bad_input("no transfer or hold is about an object of this type");
    let references: &References = ctx.registered();
    let known = references.find(|known| known.type_name == id.kind);
    let known = known.ok_or_else(bad)?;
    let uuid = (known.stored)(ctx, id).await?.ok_or_else(bad)?;
    Ok((known.kind.to_owned(), uuid.to_string()))
}
