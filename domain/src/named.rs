//! Enums whose values have names: in tokens, in the database, in the schema.

/// An enum that [`named!`](crate) declares.
pub trait Named: Copy + Eq + Send + Sync + 'static {
    /// Name of the enum in the schema.
    const ENUM: &'static str;

    /// Description of the enum in the schema.
    const DESCRIPTION: &'static str;

    /// Every value with its name and its description in the schema, in the order of the declaration.
    const NAMED: &'static [(Self, &'static str, &'static str)];

    /// Name of the value.
    #[must_use]
    fn name(self) -> &'static str;

    /// The value with this name.
    #[must_use]
    fn of_name(name: &str) -> Option<Self> {
        let mut named = Self::NAMED.iter();
        named
            .find(|(_, known, _)| *known == name)
            .map(|(value, ..)| *value)
    }
}

/// Declares an enum with the names of its values. The documentation is also the description in the schema. The schema's
/// name of the enum is given only where it is another one.
///
/// ```text
/// named! {
///     /// States of an invitation.
///     InvitationStatus, "CircleInvitationStatus";
///
///     /// The invitee declined.
///     Declined = "DECLINED";
/// }
/// ```
#[macro_export]
macro_rules! named {
    (
        $(#[doc = $doc:literal])+ $enum:ident $(, $schema:literal)?;
        $($(#[doc = $description:literal])+ $value:ident = $name:literal;)+
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $enum {
            $($(#[doc = $description])+ $value),+
        }

        impl $enum {
            /// All values.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$value),+];

            /// Name of the value.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name),+
                }
            }
        }

        impl $crate::named::Named for $enum {
            const ENUM: &'static str = $crate::named::named!(@schema $enum $($schema)?);
            const DESCRIPTION: &'static str = concat!($($doc, "\n"),+);
            const NAMED: &'static [(Self, &'static str, &'static str)] =
                &[$((Self::$value, $name, concat!($($description, "\n"),+))),+];

            fn name(self) -> &'static str {
                Self::name(self)
            }
        }
    };
    (@schema $enum:ident) => {
        stringify!($enum)
    };
    (@schema $enum:ident $schema:literal) => {
        $schema
    };
}
pub use named;
