//! The audit log: commands that staff and services carried out or attempted.

pub(crate) mod objects;
pub(crate) mod queries;

use futures_util::future::BoxFuture;

use crate::abstracts::DynOutput;
use crate::node::AnyId;
use crate::prelude::*;

type Load = for<'a> fn(&'a Context<'a>, &'a str) -> BoxFuture<'a, Result<Option<Node>>>;

/// Name by which the audit log refers to the objects of a type.
#[derive(Clone, Copy)]
pub(crate) struct Entity {
    /// Kind in the audit log.
    kind: &'static str,
    /// Loads the object of a key in the audit log.
    load: Load,
    /// The key in the audit log of an id of this type; none for ids of other types.
    key: fn(&AnyId) -> Option<String>,
}

impl Entity {
    /// Objects of a type whose keys are UUIDs.
    pub const fn of<T: NodeType>(kind: &'static str) -> Self {
        Self {
            kind,
            load: |ctx, key| {
                async move {
                    let Some(key) = T::Key::read(key) else {
                        return Ok(None);
                    };
                    let found = T::load(ctx, key).await?;
                    Ok(found.map(|found| Node::new(Box::new(found) as Box<dyn DynOutput>)))
                }
                .boxed()
            },
            key: |id| {
                let uuid = uuid::Uuid::try_parse(&id.key).ok()?;
                (id.kind == T::KIND).then(|| uuid.to_string())
            },
        }
    }

    /// Objects that the audit log names in another way.
    pub const fn custom(kind: &'static str, load: Load, key: fn(&AnyId) -> Option<String>) -> Self {
        Self { kind, load, key }
    }
}

/// The registered kinds of objects, by context.
pub(crate) struct Entities(pub &'static [&'static [Entity]]);

impl Entities {
    fn all(&self) -> impl Iterator<Item = &Entity> {
        self.0.iter().copied().flatten()
    }

    /// Loads the object of an entry, if the caller may see it.
    pub async fn load(&self, ctx: &Context<'_>, kind: &str, key: &str) -> Result<Option<Node>> {
        match self.all().find(|entity| entity.kind == kind) {
            Some(entity) => (entity.load)(ctx, key).await,
            None => Ok(None),
        }
    }

    /// Kind and key in the audit log of an object.
    pub fn names(&self, id: &AnyId) -> Option<(String, String)> {
        let mut names = self.all().filter_map(|entity| {
            let key = (entity.key)(id)?;
            Some((entity.kind.to_owned(), key))
        });
        names.next()
    }
}
