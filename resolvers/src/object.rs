//! Declares object types.

/// Declares an object type: the arguments of its constructor `of`, and its fields with their values. Values that the
/// schema does not show follow after `with`. The constructor returns a result if an error type is given.
///
/// ```text
/// object! {
///     /// Change of a miner's points.
///     MiningHistoryEntry(entry: rules::HistoryEntry) {
///         /// Global id, opaque and stable.
///         id: GlobalId = GlobalId::of::<Self>(&entry.id),
///         /// Session that earned the points; null for changes without one.
///         session: Edge<MiningSession> = Edge(entry.session_id),
///     }
/// }
/// ```
///
/// `loaded` is the value of further fields that may have been loaded with the object.
macro_rules! object {
    (
        $(#[$meta:meta])*
        $type:ident($($argument:ident: $argument_type:ty),+) $(-> Result<$error:ty>)? {
            $(let $binding:pat = $bound:expr;)*
            $($(#[$doc:meta])+ $field:ident: $field_type:ty = $value:expr,)+
        }
        $(with { $($(#[$kept_doc:meta])* $kept_vis:vis $kept:ident: $kept_type:ty = $kept_value:expr,)+ })?
        $(loaded |$self:ident, $name:ident, $selected:ident| $loaded:expr)?
    ) => {
        #[derive(async_graphql::SimpleObject)]
        $(#[$meta])*
        pub struct $type {
            $($(#[$doc])+ pub $field: $field_type,)+
            $($($(#[$kept_doc])* #[graphql(skip)] $kept_vis $kept: $kept_type,)+)?
        }

        $crate::object::used_getters!($type: $($field),+);

        impl $type {
            /// The object of these values.
            pub(crate) fn of($($argument: $argument_type),+) -> $crate::object::object!(@returned $($error)?) {
                $(let $binding = $bound;)*
                let object = Self {
                    $($field: $value,)+
                    $($($kept: $kept_value,)+)?
                };
                $crate::object::object!(@return object $($error)?)
            }
        }

        impl $crate::eager::Eager for $type {
            fn field(&self, name: &str, selected: &$crate::eager::Selected<'_>) -> Option<async_graphql::Value> {
                $(let ($self, $name, $selected) = (self, name, selected);
                if let Some(loaded) = $loaded {
                    return Some(loaded);
                })?
                $(if $crate::eager::is_camel_case(name, stringify!($field)) {
                    return $crate::eager::EagerField::value(&self.$field, selected);
                })+
                None
            }
        }

        impl $crate::eager::EagerField for $type {
            fn value(&self, selected: &$crate::eager::Selected<'_>) -> Option<async_graphql::Value> {
                selected.of(self)
            }
        }
    };
    (@returned) => { Self };
    (@returned $error:ty) => { Result<Self, $error> };
    (@return $object:ident) => { $object };
    (@return $object:ident $error:ty) => { Ok($object) };
}
pub(crate) use object;

/// Suppresses dead-code warnings for the getters that the engine derives.
macro_rules! used_getters {
    ($type:ident: $($field:ident),*) => {
        const _: fn(&$type, &async_graphql::Context<'_>) = |_object, _ctx| {
            $(drop(_object.$field(_ctx));)*
        };
    };
}
pub(crate) use used_getters;
