//! The system configuration: versions of sections. Contexts register their sections.

pub(crate) mod objects;
pub(crate) mod refusals;

use async_graphql::registry::Registry;
use db::platform::configuration::StoredVersion;

use crate::abstracts::{AbstractKind, AbstractType, DynOutput, FieldOf};
use crate::prelude::*;

/// The interface `ConfigurationVersion`. Contexts register its members.
pub struct AnyVersion;

impl AbstractType for AnyVersion {
    const NAME: &'static str = "ConfigurationVersion";
    const DESCRIPTION: &'static str = "Version of a section of the configuration.";
    const KIND: AbstractKind = AbstractKind::Interface;

    const FIELDS: &'static [FieldOf] = &[
        ("id", "ID!", "Global id, opaque and stable."),
        (
            "reason",
            "String!",
            "Reason for the change, 1 to 500 characters.",
        ),
        (
            "updatedAt",
            "DateTime!",
            "Time the version came into force.",
        ),
        (
            "updatedBy",
            "User",
            "Person who made the change; null for the version the platform started with.",
        ),
        (
            "version",
            "Int!",
            "Number of the version, from 1 without gaps; the highest is in force.",
        ),
    ];
}

/// A registered member of [`AnyVersion`]: the type that shows the versions of a section.
#[derive(Clone, Copy)]
pub(crate) struct RegisteredSection {
    /// Name of the type.
    pub kind: &'static str,
    /// Name of the section.
    pub section: &'static str,
    pub register: fn(&mut Registry) -> String,
    show: fn(StoredVersion) -> Result<Box<dyn DynOutput>, DbError>,
}

impl RegisteredSection {
    /// The type `T` shows versions of this section.
    pub const fn new<T>(section: &'static str) -> Self
    where
        T: NodeType + TryFrom<StoredVersion, Error = DbError> + 'static,
    {
        Self {
            kind: T::KIND,
            section,
            register: T::create_type_info,
            show: |stored| Ok(Box::new(T::try_from(stored)?)),
        }
    }
}

/// The registered members, by context.
pub(crate) struct Sections(pub &'static [&'static [RegisteredSection]]);

impl Sections {
    /// A stored version as the type of its section.
    pub fn show(&self, stored: StoredVersion) -> Result<Box<dyn DynOutput>> {
        let mut known = self.0.iter().copied().flatten();
        if let Some(known) = known.find(|known| known.section == stored.section) {
            return Ok((known.show)(stored)?);
        }
        let section = &stored.section;
        tracing::error!(section, "Unknown section {section}");
        let message = "an unknown section";
        Err(ApiError::new(Code::InternalServerError, message))
    }
}
