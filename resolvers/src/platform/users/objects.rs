//! Types of people and callers.

use async_graphql::{SimpleObject, Union};
use db::platform::users as rows;
use domain::access::{self, Person};
use domain::platform::DisplayName;
use futures_util::future::BoxFuture;

use crate::abstracts::{Abstract, AbstractKind, AbstractType, DynOutput};
use crate::node::{KeyPart, uuid_keys};
use crate::platform::loaders::PlatformLoader;
use crate::prelude::*;

uuid_keys!(UserId);

/// Roles of a person, from the token.
pub type Role = EnumOf<access::Role>;

/// Scopes of a service's token.
pub type Scope = EnumOf<access::Scope>;

/// Capabilities of staff, derived from their roles.
pub type Permission = EnumOf<access::Permission>;

/// Public mining profiles, which the context mining declares.
pub struct PublicProfile;

impl AbstractType for PublicProfile {
    const NAME: &'static str = "MinerProfile";
    const KIND: AbstractKind = AbstractKind::Foreign;
}

type LoadProfile =
    for<'a> fn(&'a Context<'a>, UserId) -> BoxFuture<'a, Result<Option<Box<dyn DynOutput>>>>;

/// The function that loads the public profile of a person.
pub(crate) struct Profiles(pub LoadProfile);

object! {
    /// Person known to the platform. `uuid` is the subject of their tokens.
    #[derive(Clone)]
    #[graphql(complex)]
    User(user: rows::User) {
        /// Global id, opaque and stable.
        id: GlobalId = GlobalId::of::<Self>(&user.id),
        /// Key of the object in the platform's other services.
        uuid: Uuid = user.id.0,
        /// Name that others see, 1 to 100 characters.
        display_name: String = user.display_name,
    }
    with {
        kyc: Kyc = Kyc::Read(user.kyc_completed_at.map(DateTime)),
    }
}

/// Verification of a person's identity.
#[derive(Clone, Copy)]
enum Kyc {
    /// The time, read with the person.
    Read(Option<DateTime>),
    /// Not read yet: the person came with a row of a context.
    Unread,
}

impl User {
    /// A person whose name was read with a row of a context.
    pub(crate) fn named(id: UserId, display_name: String) -> Self {
        let user = Self::of(rows::User {
            id,
            display_name,
            kyc_completed_at: None,
        });
        Self {
            kyc: Kyc::Unread,
            ..user
        }
    }

    /// A person without a row: they have sent no command yet.
    fn unknown(person: &Person) -> Self {
        Self::of(rows::User {
            id: person.id,
            display_name: person
                .name
                .as_ref()
                .map_or("User", DisplayName::as_str)
                .to_owned(),
            kyc_completed_at: None,
        })
    }
}

#[ComplexObject]
impl User {
    /// Time the person's identity was verified; null before that and for callers without access.
    async fn kyc_completed_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime>> {
        let id = UserId(self.uuid);
        if !ctx.may(Action::UserRead, ctx.principal().relation_to(id)) {
            return Ok(None);
        }
        match self.kyc {
            Kyc::Read(time) => Ok(time),
            Kyc::Unread => {
                let user = ctx.loader::<PlatformLoader>().load_one(id).await?;
                Ok(user.and_then(|user| user.kyc_completed_at).map(DateTime))
            }
        }
    }

    /// Public mining profile; null for a person who is not a miner.
    async fn profile(&self, ctx: &Context<'_>) -> Loaded<Abstract<PublicProfile>> {
        let Profiles(load) = ctx.registered();
        let profile = load(ctx, UserId(self.uuid)).await;
        profile
            .map(|profile| profile.map(Abstract::new))
            .transpose()
    }
}

// Names of people are public; further fields have rules of their own.
node!(User: UserId, |ctx, key| {
    let user = ctx.loader::<PlatformLoader>().load_one(key).await?;
    Ok(user.map(Self::of))
});

/// Service of the platform that calls the API.
#[derive(SimpleObject)]
pub struct Service {
    /// Issuer of the service's tokens.
    pub issuer: String,
    /// Subject of the service's tokens.
    pub subject: String,
}

/// Caller who carried out a command.
#[derive(Union)]
pub enum Actor {
    /// A person.
    User(User),
    /// A service.
    Service(Service),
}

/// Name of the type of the caller, which the schema assembles.
pub const VIEWER: &str = "Viewer";

/// Account fields of the signed-in person.
pub struct ViewerAccount(Person);

impl ViewerAccount {
    /// Of this person.
    pub(crate) fn new(person: &Person) -> Self {
        Self(person.clone())
    }
}

#[Object]
impl ViewerAccount {
    /// Global id, opaque and stable.
    async fn id(&self) -> GlobalId {
        GlobalId::of_kind(VIEWER, KeyPart::Uuid(self.0.id.0))
    }

    /// Staff capabilities of the caller; empty for others.
    async fn permissions(&self, ctx: &Context<'_>) -> Vec<Permission> {
        let permissions = ctx.principal().permissions().into_iter();
        permissions.map(EnumOf).collect()
    }

    /// Roles of the caller's token.
    async fn roles(&self) -> Vec<Role> {
        let roles = access::Role::ALL.into_iter();
        let roles = roles.filter(|role| self.0.has(*role));
        roles.map(EnumOf).collect()
    }

    /// The caller as others see them.
    async fn user(&self, ctx: &Context<'_>) -> Result<User> {
        let known = User::load(ctx, self.0.id).await?;
        Ok(known.unwrap_or_else(|| User::unknown(&self.0)))
    }
}
