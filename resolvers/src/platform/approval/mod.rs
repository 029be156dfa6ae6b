//! Approvals: commands that wait for a second person.

pub(crate) mod mutations;
pub(crate) mod objects;
pub(crate) mod queries;
pub(crate) mod refusals;

use async_graphql::OutputType;
use async_graphql::registry::Registry;
use serde::de::DeserializeOwned;

use crate::abstracts::{AbstractKind, AbstractType, DynOutput};
use crate::errors::{ApiError, Code, Result};

/// The union `ApprovalProposal`. Contexts register its members.
pub struct AnyProposal;

impl AbstractType for AnyProposal {
    const NAME: &'static str = "ApprovalProposal";
    const DESCRIPTION: &'static str = "Command that an approval carries out, one type per command.";
    const KIND: AbstractKind = AbstractKind::Union;
}

/// A registered member of [`AnyProposal`]: the type that shows the proposals of a command.
#[derive(Clone, Copy)]
pub(crate) struct RegisteredProposal {
    command: &'static str,
    pub register: fn(&mut Registry) -> String,
    show: fn(serde_json::Value) -> serde_json::Result<Box<dyn DynOutput>>,
}

impl RegisteredProposal {
    /// The type `T` shows proposals of this command, stored as `S`.
    pub const fn new<S, T>(command: &'static str) -> Self
    where
        S: DeserializeOwned,
        T: OutputType + From<S> + 'static,
    {
        Self {
            command,
            register: T::create_type_info,
            show: |stored| Ok(Box::new(T::from(serde_json::from_value(stored)?))),
        }
    }
}

/// Declares the members of a file: how each type shows the stored proposals of a command.
macro_rules! proposals {
    ($($stored:ty => $shown:ty = $command:expr;)+) => {
        $(impl From<$stored> for $shown {
            fn from(proposal: $stored) -> Self {
                Self::of(proposal)
            }
        })+

        /// Members of `ApprovalProposal`.
        pub(crate) const PROPOSALS: &[$crate::platform::approval::RegisteredProposal] =
            &[$($crate::platform::approval::RegisteredProposal::new::<$stored, $shown>($command.name)),+];
    };
}
pub(crate) use proposals;

/// The registered members, by context.
pub(crate) struct Proposals(pub &'static [&'static [RegisteredProposal]]);

impl Proposals {
    fn show(&self, command: &str, stored: serde_json::Value) -> Result<Box<dyn DynOutput>> {
        let mut known = self.0.iter().copied().flatten();
        let known = known.find(|known| known.command == command);
        let shown = known.map(|known| (known.show)(stored));
        shown.and_then(Result::ok).ok_or_else(|| {
            tracing::error!(command, "The proposal of {command} can't be read");
            ApiError::new(Code::InternalServerError, "an unreadable proposal")
        })
    }
}
