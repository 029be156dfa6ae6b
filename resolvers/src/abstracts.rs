//! Interfaces and unions whose members are registered by contexts, so that no file has to name them all.

use std::borrow::Cow;
use std::marker::PhantomData;

use async_graphql::indexmap::{IndexMap, IndexSet};
use async_graphql::parser::types::Field;
use async_graphql::registry::{MetaField, MetaType, MetaTypeId, Registry};
use async_graphql::{ContextSelectionSet, OutputType, Positioned, ServerResult, Value};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::eager::{Eager, Selected};

/// Kinds of abstract types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AbstractKind {
    /// An interface.
    Interface,
    /// A union.
    Union,
    /// An object type that another context declares; its value comes from a registered function.
    Foreign,
}

/// A field of an interface: its name, its type as the schema writes it, and its description.
pub type FieldOf = (&'static str, &'static str, &'static str);

/// An interface, a union, or an object type of another context.
pub trait AbstractType: Send + Sync + 'static {
    /// Name in the schema.
    const NAME: &'static str;
    /// Description in the schema.
    const DESCRIPTION: &'static str = "";
    /// Its kind.
    const KIND: AbstractKind;

    /// Fields of an interface. Their types are registered elsewhere.
    const FIELDS: &'static [FieldOf] = &[];
}

/// A value of any type of the schema.
pub(crate) trait DynOutput: Send + Sync {
    /// Name of its type.
    fn dyn_type_name(&self) -> Cow<'static, str>;

    /// Resolves the selections.
    fn resolve_dyn<'a>(
        &'a self,
        context: &'a ContextSelectionSet<'a>,
        field: &'a Positioned<Field>,
    ) -> BoxFuture<'a, ServerResult<Value>>;
}

impl<T: OutputType> DynOutput for T {
    fn dyn_type_name(&self) -> Cow<'static, str> {
        self.introspection_type_name()
    }

    fn resolve_dyn<'a>(
        &'a self,
        context: &'a ContextSelectionSet<'a>,
        field: &'a Positioned<Field>,
    ) -> BoxFuture<'a, ServerResult<Value>> {
        self.resolve(context, field).boxed()
    }
}

/// A value of an abstract type.
pub struct Abstract<A> {
    value: Box<dyn DynOutput>,
    of: PhantomData<fn() -> A>,
}

impl<A> Abstract<A> {
    /// A value of a member type.
    pub(crate) fn new(value: Box<dyn DynOutput>) -> Self {
        Self {
            value,
            of: PhantomData,
        }
    }

    /// The same value as another abstract type that its type belongs to.
    pub(crate) fn cast<B>(self) -> Abstract<B> {
        Abstract::new(self.value)
    }
}

impl<A: AbstractType> OutputType for Abstract<A> {
    fn type_name() -> Cow<'static, str> {
        A::NAME.into()
    }

    fn introspection_type_name(&self) -> Cow<'static, str> {
        self.value.dyn_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let name = A::NAME.to_owned();
        let description = Some(A::DESCRIPTION.to_owned());
        match A::KIND {
            AbstractKind::Foreign => Self::qualified_type_name(),
            AbstractKind::Interface => {
                registry.create_output_type::<Self, _>(MetaTypeId::Interface, |_| {
                    MetaType::Interface {
                        name: name.clone(),
                        description: description.clone(),
                        fields: fields(A::FIELDS),
                        possible_types: IndexSet::new(),
                        extends: false,
                        keys: None,
                        visible: None,
                        inaccessible: false,
                        tags: Vec::new(),
                        rust_typename: None,
                        directive_invocations: Vec::new(),
                        requires_scopes: Vec::new(),
                    }
                })
            }
            AbstractKind::Union => {
                registry.create_output_type::<Self, _>(MetaTypeId::Union, |_| MetaType::Union {
                    name: name.clone(),
                    description: description.clone(),
                    possible_types: IndexSet::new(),
                    visible: None,
                    inaccessible: false,
                    tags: Vec::new(),
                    rust_typename: None,
                    directive_invocations: Vec::new(),
                })
            }
        }
    }

    async fn resolve(
        &self,
        context: &ContextSelectionSet<'_>,
        field: &Positioned<Field>,
    ) -> ServerResult<Value> {
        self.value.resolve_dyn(context, field).await
    }
}

impl<A: AbstractType> Eager for Abstract<A> {
    const IS_CONCRETE: bool = false;

    fn field(&self, _: &str, _: &Selected<'_>) -> Option<Value> {
        None
    }
}

fn fields(of: &[FieldOf]) -> IndexMap<String, MetaField> {
    let fields = of.iter().map(|(name, ty, description)| {
        let mut field = MetaField::new(*name, *ty);
        field.description = Some((*description).to_owned());
        ((*name).to_owned(), field)
    });
    fields.collect()
}

/// Adds members to an abstract type that is in the registry.
pub(crate) fn add_members(registry: &mut Registry, name: &str, members: &[String]) {
    let is_interface = match registry.types.get_mut(name) {
        Some(MetaType::Interface { possible_types, .. }) => {
            possible_types.extend(members.iter().cloned());
            true
        }
        Some(MetaType::Union { possible_types, .. }) => {
            possible_types.extend(members.iter().cloned());
            false
        }
        _ => return,
    };
    if is_interface {
        for member in members {
            registry.add_implements(member, name);
        }
    }
}
