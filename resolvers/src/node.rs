//! Global ids, and one way to load the object of each. Contexts register their node types.

use std::fmt;

use async_graphql::parser::types::Field;
use async_graphql::registry::Registry;
use async_graphql::{
    Context, ContextSelectionSet, ID, InputType, InputValueError, InputValueResult, OutputType,
    Positioned, ServerResult, Value,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use uuid::Uuid;

use crate::abstracts::{Abstract, AbstractKind, AbstractType, DynOutput, FieldOf};
use crate::delegation::{input_like, output_like};
use crate::eager::{Eager, EagerField, Ready, Selected};
use crate::errors::{ApiError, Result};
use crate::request::OperationContext;

/// The interface `Node`.
pub struct AnyNode;

impl AbstractType for AnyNode {
    const NAME: &'static str = "Node";
    const DESCRIPTION: &'static str =
        "Object with a global id that `node` and `nodes` can fetch again.";
    const KIND: AbstractKind = AbstractKind::Interface;

    const FIELDS: &'static [FieldOf] = &[("id", "ID!", "Global id, opaque and stable.")];
}

/// Any object with a global id.
pub type Node = Abstract<AnyNode>;

/// An object type with global ids.
pub trait NodeType: OutputType + Sized + 'static {
    /// Name of the type in the schema: the kind in its ids.
    const KIND: &'static str;

    /// Key of an object of this type.
    type Key: NodeKey;

    /// Loads the object, if the caller may see it.
    fn load(ctx: &Context<'_>, key: Self::Key)
    -> impl Future<Output = Result<Option<Self>>> + Send;
}

/// The key part of a global id.
pub trait NodeKey: Clone + Send + Sync + 'static {
    /// The key as it is kept in a [`GlobalId`].
    fn part(&self) -> KeyPart;

    /// Reads the text of a key.
    fn read(text: &str) -> Option<Self>;
}

/// The key of a [`GlobalId`], written only when the id is selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPart {
    /// A UUID.
    Uuid(Uuid),
    /// The UUIDs of the owner and of the object.
    Owned([Uuid; 2]),
    /// Any other key.
    Text(String),
}

impl fmt::Display for KeyPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(uuid) => uuid.simple().fmt(f),
            Self::Owned([owner, uuid]) => write!(f, "{}{}", owner.simple(), uuid.simple()),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Implements [`NodeKey`] for ids that are UUIDs.
macro_rules! uuid_keys {
    ($($id:ty),+ $(,)?) => {
        $(impl $crate::node::NodeKey for $id {
            fn part(&self) -> $crate::node::KeyPart {
                $crate::node::KeyPart::Uuid(self.0)
            }

            fn read(text: &str) -> Option<Self> {
                uuid::Uuid::try_parse(text).ok().map(Self)
            }
        })+
    };
}
pub(crate) use uuid_keys;

/// Implements [`NodeKey`] for ids that carry their owner.
macro_rules! owned_keys {
    ($($id:ty),+ $(,)?) => {
        $(impl $crate::node::NodeKey for $id {
            fn part(&self) -> $crate::node::KeyPart {
                $crate::node::KeyPart::Owned((*self).into())
            }

            fn read(text: &str) -> Option<Self> {
                let (owner, uuid) = text.split_at_checked(32)?;
                let [owner, uuid] = [owner, uuid].map(uuid::Uuid::try_parse);
                Some(Self::from([owner.ok()?, uuid.ok()?]))
            }
        })+
    };
}
pub(crate) use owned_keys;

/// Declares an object type with global ids: `node!(Circle: CircleId, |ctx, key| load)`.
macro_rules! node {
    ($type:ident: $key:ty, |$ctx:ident, $id:ident| $load:block) => {
        impl $crate::node::NodeType for $type {
            const KIND: &'static str = stringify!($type);
            type Key = $key;

            async fn load(
                $ctx: &async_graphql::Context<'_>,
                $id: $key,
            ) -> Result<Option<Self>, $crate::errors::ApiError> {
                $load
            }
        }
    };
}
pub(crate) use node;

/// A global id, for `id` fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalId {
    kind: &'static str,
    key: KeyPart,
}

impl GlobalId {
    /// The id of an object of this type.
    pub(crate) fn of<T: NodeType>(key: &T::Key) -> Self {
        Self {
            kind: T::KIND,
            key: key.part(),
        }
    }

    /// The id of an object of a kind that the schema assembles.
    pub(crate) fn of_kind(kind: &'static str, key: KeyPart) -> Self {
        Self { kind, key }
    }

    /// The id as the engine's value.
    pub(crate) fn to_value(&self) -> Value {
        Value::String(self.encode())
    }

    /// The id as text.
    #[must_use]
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}:{}", self.kind, self.key))
    }
}

impl EagerField for GlobalId {
    fn value(&self, _: &Selected<'_>) -> Option<Value> {
        Some(self.to_value())
    }
}

/// The scalar `ID` of an `id` field.
impl OutputType for GlobalId {
    output_like!(ID);

    async fn resolve(
        &self,
        _: &ContextSelectionSet<'_>,
        _: &Positioned<Field>,
    ) -> ServerResult<Value> {
        Ok(self.to_value())
    }
}

/// A global id that a client sent, of any type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AnyId {
    /// Kind of the object.
    pub kind: String,
    /// Key of the object, as text.
    pub key: String,
}

impl AnyId {
    /// Reads the text of an id.
    pub(crate) fn of(text: &str) -> Option<Self> {
        Self::decode(text)
    }

    fn decode(text: &str) -> Option<Self> {
        let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (kind, key) = plain.split_once(':')?;
        Some(Self {
            kind: kind.to_owned(),
            key: key.to_owned(),
        })
    }

    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}:{}", self.kind, self.key))
    }

    fn read(value: Option<Value>) -> Result<Self, &'static str> {
        let text = match value {
            Some(Value::String(text)) => text,
            _ => String::new(),
        };
        Self::decode(&text).ok_or(NO_ID)
    }
}

const NO_ID: &str = "invalid id: use the value of an `id` field";

impl InputType for AnyId {
    input_like!(ID);

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        Self::read(value).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(self.encode())
    }
}

/// A global id that a client sent, of an object of this type.
pub struct Id<T: NodeType> {
    /// Key of the object.
    pub key: T::Key,
}

impl<T: NodeType> InputType for Id<T> {
    input_like!(ID);

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let id = AnyId::read(value).map_err(InputValueError::custom)?;
        if id.kind != T::KIND {
            let problem = format!("this is not an id of type {}", T::KIND);
            return Err(InputValueError::custom(problem));
        }
        match T::Key::read(&id.key) {
            Some(key) => Ok(Self { key }),
            None => Err(InputValueError::custom(NO_ID)),
        }
    }

    fn to_value(&self) -> Value {
        GlobalId::of::<T>(&self.key).to_value()
    }
}

/// A nullable field with an object that is loaded when it is selected; null without a key.
pub struct Edge<T: NodeType>(pub Option<T::Key>);

impl<T: NodeType> Edge<T> {
    /// The edge to the object with this key.
    pub(crate) fn to(key: T::Key) -> Self {
        Self(Some(key))
    }
}

impl<T: NodeType> OutputType for Edge<T> {
    output_like!(Option<T>);

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        let Some(key) = self.0.clone() else {
            return Ok(Value::Null);
        };
        let loaded = T::load(&context.with_field(field), key).await;
        loaded.transpose().resolve(context, field).await
    }
}

impl<T: NodeType> EagerField for Edge<T> {
    fn value(&self, _: &Selected<'_>) -> Option<Value> {
        None
    }
}

/// An object that is written at once where possible.
impl<T: NodeType + Eager> NodeType for Ready<T> {
    const KIND: &'static str = T::KIND;
    type Key = T::Key;

    async fn load(ctx: &Context<'_>, key: T::Key) -> Result<Option<Self>> {
        Ok(T::load(ctx, key).await?.map(Ready))
    }
}

type Load = for<'a> fn(&'a Context<'a>, &'a str) -> BoxFuture<'a, Result<Option<Node>>>;

/// A registered node type.
#[derive(Clone, Copy)]
pub(crate) struct RegisteredNode {
    /// Name of the type.
    pub kind: &'static str,
    /// Registers the type.
    pub register: fn(&mut Registry) -> String,
    load: Load,
}

impl RegisteredNode {
    /// Registers a node type.
    pub const fn new<T: NodeType>() -> Self {
        Self {
            kind: T::KIND,
            register: T::create_type_info,
            load: |ctx, key| {
                async move {
                    let key = T::Key::read(key).ok_or_else(|| ApiError::bad_input(NO_ID))?;
                    let found = T::load(ctx, key).await?;
                    Ok(found.map(|node| Node::new(Box::new(node) as Box<dyn DynOutput>)))
                }
                .boxed()
            },
        }
    }
}

/// The registered node types, by context.
pub(crate) struct Nodes(pub &'static [&'static [RegisteredNode]]);

impl Nodes {
    fn find(&self, kind: &str) -> Option<RegisteredNode> {
        let mut nodes = self.0.iter().copied().flatten();
        nodes.find(|known| known.kind == kind).copied()
    }
}

/// Loads the object of an id, if the caller may see it.
pub(crate) async fn load(ctx: &Context<'_>, id: &AnyId) -> Result<Option<Node>> {
    let nodes: &Nodes = ctx.registered();
    let known = nodes
        .find(&id.kind)
        .ok_or_else(|| ApiError::bad_input(NO_ID))?;
    (known.load)(ctx, &id.key).await
}

/// Loads an object whose type another file declares, if the caller may see it.
pub(crate) async fn load_foreign<A: AbstractType, K: NodeKey>(
    ctx: &Context<'_>,
    key: &K,
) -> Result<Option<Abstract<A>>> {
    let key = key.part().to_string();
    let kind = A::NAME.to_owned();
    let found = load(ctx, &AnyId { kind, key }).await?;
    Ok(found.map(Abstract::cast))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ids_as_they_were_written() {
        let id = GlobalId {
            kind: "Miner",
            key: KeyPart::Uuid(Uuid::from_u128(7)),
        };
        let read = AnyId::parse(Some(id.to_value())).expect("an id");
        assert_eq!(read.kind, "Miner");
        assert_eq!(Uuid::try_parse(&read.key), Ok(Uuid::from_u128(7)));
        for bad in ["", "1", "☃", "TWluZXI"] {
            let bad = Some(Value::String(bad.to_owned()));
            assert!(AnyId::parse(bad.clone()).is_err(), "{bad:?}");
        }
    }
}
