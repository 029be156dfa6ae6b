//! Inputs of several aggregates of wallets. A text of another form is bad input.

use async_graphql::{InputType, InputValueError, InputValueResult, OneofObject, Value};
use db::platform::configuration::Section as _;
use domain::wallets::{
    self as rules, Metadata, OwnerKind, ServiceReference, WalletConfiguration, WalletOwner,
};

use crate::delegation::input_like;
use crate::inputs::is_text;
use crate::node::AnyId;
use crate::platform::configuration::objects::stored_in_force;
use crate::prelude::*;
use crate::scalars::CurrencyCode;

/// Kinds of owners of wallets.
pub type WalletOwnerKind = EnumOf<OwnerKind>;

/// Owner of wallets.
#[derive(InputObject)]
#[graphql(name = "WalletOwnerInput")]
pub struct OwnerFields {
    /// Kind of the owner.
    #[graphql(default_with = "OwnerKind::User.into()")]
    pub kind: WalletOwnerKind,
    /// Key of the owner within the kind.
    pub owner_id: OwnerKey,
}

/// An owner with an ordinary wallet: any but the platform.
#[derive(Clone, Copy, Debug)]
pub struct OwnerInput(pub WalletOwner);

impl InputType for OwnerInput {
    input_like!(OwnerFields);

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let fields = OwnerFields::parse(value).map_err(InputValueError::propagate)?;
        let owner = WalletOwner {
            kind: fields.kind.0,
            id: fields.owner_id.0,
        };
        if owner.kind.has_main_wallet() {
            Ok(Self(owner))
        } else {
            let problem = "name a user, a merchant or an advertiser: the platform's own accounts are no wallets";
            Err(InputValueError::custom(problem))
        }
    }

    fn to_value(&self) -> Value {
        let fields = OwnerFields {
            kind: self.0.kind.into(),
            owner_id: OwnerKey(self.0.id),
        };
        fields.to_value()
    }
}

/// Any owner, also the platform, whose key is nil.
#[derive(Clone, Copy, Debug)]
pub struct AnyOwner(pub WalletOwner);

impl InputType for AnyOwner {
    input_like!(OwnerFields);

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let Some(Value::Object(fields)) = value else {
            return Err(InputValueError::expected_type(value.unwrap_or_default()));
        };
        let kind = match fields.get("kind") {
            None => OwnerKind::User.into(),
            kind => WalletOwnerKind::parse(kind.cloned()).map_err(InputValueError::propagate)?,
        };
        let id = Uuid::parse(fields.get("ownerId").cloned()).map_err(InputValueError::propagate)?;
        Ok(Self(WalletOwner { kind: kind.0, id }))
    }

    fn to_value(&self) -> Value {
        let fields = OwnerFields {
            kind: self.0.kind.into(),
            owner_id: OwnerKey(self.0.id),
        };
        fields.to_value()
    }
}

/// Declares texts of a form.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $is_valid:path, $problem:literal;)+) => {
        $($(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(pub String);

        impl InputType for $name {
            input_like!(String);

            fn parse(value: Option<Value>) -> InputValueResult<Self> {
                let text = String::parse(value).map_err(InputValueError::propagate)?;
                if $is_valid(&text) {
                    Ok(Self(text))
                } else {
                    Err(InputValueError::custom($problem))
                }
            }

            fn to_value(&self) -> Value {
                self.0.to_value()
            }
        })+
    };
}
pub(crate) use texts;

texts! {
    /// Key of a claim.
    ClaimReference = rules::is_external_id, "a claim reference has 1 to 128 visible characters, composed (NFC) and without blanks at the ends";
    /// Reference of an object outside of the platform.
    ExternalReference = rules::is_external_id, "an external reference has 1 to 128 visible characters, composed (NFC) and without blanks at the ends";
    /// Key that a caller gives to what it makes.
    ExternalId = rules::is_external_id, "an external id has 1 to 128 visible characters, composed (NFC) and without blanks at the ends";
    /// Kind of a service's object.
    ReferenceType = ServiceReference::is_type, "a reference type has 1 to 40 characters of a–z and underscore";
    /// Key of a service's object.
    ReferenceId = ServiceReference::is_id, "a reference id has 1 to 128 visible ASCII characters";
}

/// Declares how a key finds the id of its object. The last part is the issuer of an external key.
macro_rules! find_by_key {
    ($by:ident => $id:ty, |$ctx:ident, $key:ident| $issuer:expr) => {
        impl $by {
            /// The id of the object, if there is one.
            pub(super) async fn find(self, $ctx: &Context<'_>) -> Result<Option<$id>> {
                let db = $ctx.db().at_primary();
                Ok(match self {
                    Self::Id(id) => Some(id.key),
                    Self::Uuid(uuid) => {
                        db.read(async move |conn| reads::by_uuid(conn, uuid).await)
                            .await?
                    }
                    Self::External($key) => {
                        let issuer = $issuer;
                        let (owner, id) = ($key.owner.0, $key.external_id.0);
                        let read = async move |conn: &mut db::Connection| {
                            reads::by_external_id(conn, owner, &issuer, &id).await
                        };
                        db.read(read).await?
                    }
                })
            }
        }
    };
}
pub(crate) use find_by_key;

/// Key of a person or an object, which is never nil: nil is the platform itself.
#[derive(Clone, Copy, Debug)]
pub struct ObjectKey(pub Uuid);

impl InputType for ObjectKey {
    input_like!(Uuid);

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let id = Uuid::parse(value).map_err(InputValueError::propagate)?;
        if id.is_nil() {
            Err(InputValueError::custom(
                "the nil UUID is the key of no object",
            ))
        } else {
            Ok(Self(id))
        }
    }

    fn to_value(&self) -> Value {
        self.0.to_value()
    }
}

/// Object of a service, such as a bet or an order.
#[derive(InputObject)]
pub struct ServiceReferenceInput {
    /// Name of the service; null for the calling service, required for staff.
    pub issuer: Option<String>,
    /// Key of the object at the service, 1 to 128 visible ASCII characters.
    pub reference_id: ReferenceId,
    /// Kind of object in the service's own words, 1 to 40 characters of a–z and underscore.
    pub reference_type: ReferenceType,
}

/// Note of a service or owner; no rule and no filter reads it.
#[derive(InputObject)]
pub struct MetadataEntryInput {
    /// Key, 1 to 64 characters, each once.
    pub key: String,
    /// Value, 0 to 500 characters.
    pub value: String,
}

/// Notes, at most 20 and 2 KB in all.
#[derive(Clone, Debug, Default)]
pub struct Notes(pub Metadata);

impl InputType for Notes {
    input_like!(Vec<MetadataEntryInput>);

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let entries =
            Vec::<MetadataEntryInput>::parse(value).map_err(InputValueError::propagate)?;
        let entries = entries.into_iter().map(|entry| (entry.key, entry.value));
        let notes: Metadata = entries.collect();
        match rules::problem_of(&notes) {
            None => Ok(Self(notes)),
            Some(problem) => Err(InputValueError::custom(problem)),
        }
    }

    fn to_value(&self) -> Value {
        let entries = self.0.iter().map(|(key, value)| MetadataEntryInput {
            key: key.clone(),
            value: value.clone(),
        });
        entries.collect::<Vec<_>>().to_value()
    }
}

/// Object or reference that transfers and holds are about.
#[derive(OneofObject)]
pub enum LedgerReferenceBy {
    /// Global id of an object of the platform.
    ObjectId(AnyId),
    /// Reference of a service.
    Service(ServiceReferenceInput),
}

impl LedgerReferenceBy {
    /// Kind and id as the ledger stores them.
    pub(crate) async fn stored(self, ctx: &Context<'_>) -> Result<(String, String)> {
        match self {
            Self::Service(reference) => {
                let issuer = issuer(ctx, reference.issuer).await?;
                let reference = ServiceReference {
                    issuer,
                    of_type: reference.reference_type.0,
                    id: reference.reference_id.0,
                };
                Ok((reference.kind(), reference.id))
            }
            Self::ObjectId(id) => super::references::stored(ctx, &id).await,
        }
    }
}

/// Key given by the issuer of a command.
#[derive(InputObject)]
pub struct ExternalKeyInput {
    /// Key given by the issuer.
    pub external_id: ExternalId,
    /// Name of the service; null for the calling service, required for others.
    pub issuer: Option<String>,
    /// Owner of the wallet.
    pub owner: OwnerInput,
}

/// The section `wallet` in force.
pub(crate) async fn configuration(ctx: &Context<'_>) -> Result<WalletConfiguration> {
    let stored = stored_in_force(ctx, WalletConfiguration::INFO.name).await?;
    Ok(stored.read::<WalletConfiguration>()?.settings)
}

/// Name of the calling service; none for people, and for a service that the configuration does not name.
pub(crate) async fn own_issuer(ctx: &Context<'_>) -> Result<Option<String>> {
    let Principal::Service(service) = ctx.principal() else {
        return Ok(None);
    };
    let configuration = configuration(ctx).await?;
    let known = configuration.issuer(&service.issuer, &service.subject);
    Ok(known.map(|known| known.name.clone()))
}

/// Checks the name of a service: other texts end the statement of all that is read with them.
pub(crate) fn service_name(name: String) -> Result<String> {
    if is_text(&name, usize::MAX) {
        Ok(name)
    } else {
        let problem = "`issuer` has the character U+0000: name the service";
        Err(ApiError::bad_input(problem))
    }
}

/// The issuer of an external key: the named one, or the calling service; people have `people`.
pub(crate) async fn issuer_or(
    ctx: &Context<'_>,
    named: Option<String>,
    people: &str,
) -> Result<String> {
    match named {
        Some(issuer) => service_name(issuer),
        None => Ok(own_issuer(ctx).await?.unwrap_or_else(|| people.to_owned())),
    }
}

/// The named service, or the calling one.
pub(crate) async fn issuer(ctx: &Context<'_>, named: Option<String>) -> Result<String> {
    match named {
        Some(name) => service_name(name),
        None => own_issuer(ctx)
            .await?
            .ok_or_else(|| ApiError::bad_input("`issuer` is required: name the service")),
    }
}

/// Owners and issuer of the rows that a list may show to the caller, within those of its filter; none if there can be none.
pub(crate) async fn visible_within(
    ctx: &Context<'_>,
    action: Action,
    owner: Option<OwnerInput>,
    issuer: Option<String>,
) -> Result<Option<(Option<Vec<WalletOwner>>, Option<String>)>> {
    let principal = ctx.principal();
    let issuer = issuer.map(service_name).transpose()?;
    let owners = owners_within(principal, Some(action), owner);
    if let Principal::Service(_) = principal {
        let own = own_issuer(ctx).await?;
        let own = own.filter(|own| issuer.is_none_or(|issuer| issuer == *own));
        return Ok(own.map(|own| (owners, Some(own))));
    }
    Ok(Some((owners, issuer)))
}

/// Owners whose rows a list may show to the caller, within those of its filter; none for all. Without an action the list
/// shows the caller's own alone.
pub(crate) fn owners_within(
    principal: &Principal,
    action: Option<Action>,
    owner: Option<OwnerInput>,
) -> Option<Vec<WalletOwner>> {
    let named = owner.map(|owner| vec![owner.0]);
    if action.is_some_and(|action| principal.may(action, Relation::Others)) {
        return named;
    }
    let mut own = own_owners(principal);
    if let Some(named) = named {
        own.retain(|owner| named.contains(owner));
    }
    Some(own)
}

/// Owners whose wallets are the caller's own.
fn own_owners(principal: &Principal) -> Vec<WalletOwner> {
    let kinds = OwnerKind::ALL.into_iter();
    let person = principal.person();
    kinds
        .filter_map(|kind| person.and_then(|person| person.wallet_owner(kind)))
        .collect()
}

/// Number of a currency; 0, which none has, for an unknown code.
pub(crate) fn number_of(ctx: &Context<'_>, code: CurrencyCode) -> i16 {
    let currency = ctx.db().currencies().get(&code.0);
    currency.map_or(0, |currency| currency.number)
}
