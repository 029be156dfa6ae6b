//! References, external ids and notes that services attach to their commands.

use std::fmt;

use uuid::Uuid;

use super::{OwnerKind, WalletOwner};
use crate::text;

/// Separates the issuer from the type in [`ServiceReference::kind`]; kinds of our own objects do not contain it.
const SEPARATOR: char = ':';

/// Object of a service, such as a bet or an order: issuer, type and id together name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceReference {
    /// Name of the service.
    pub issuer: String,
    /// Kind of object in the service's own words.
    pub of_type: String,
    /// Key of the object at the service. Case counts.
    pub id: String,
}

impl ServiceReference {
    /// Whether a text is a type: 1 to 40 characters of a–z and underscore.
    #[must_use]
    pub fn is_type(text: &str) -> bool {
        let is_known = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        (1..=40).contains(&text.len()) && text.bytes().all(is_known)
    }

    /// Whether a text is an id: 1 to 128 visible ASCII characters.
    #[must_use]
    pub fn is_id(text: &str) -> bool {
        (1..=128).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    }

    /// Issuer and type as the kind of a transfer's reference.
    #[must_use]
    pub fn kind(&self) -> String {
        format!("{}{SEPARATOR}{}", self.issuer, self.of_type)
    }

    /// Reads the kind and the id of a transfer's reference; none for objects of the platform.
    #[must_use]
    pub fn of(kind: &str, id: &str) -> Option<Self> {
        let (issuer, of_type) = kind.split_once(SEPARATOR)?;
        Some(Self {
            issuer: issuer.to_owned(),
            of_type: of_type.to_owned(),
            id: id.to_owned(),
        })
    }

    /// Owner of the clearing accounts of this reference, one per currency.
    #[must_use]
    pub fn clearing_owner(&self) -> WalletOwner {
        let name = format!("{}{SEPARATOR}{}", self.kind(), self.id);
        WalletOwner {
            kind: OwnerKind::System,
            id: Uuid::new_v5(&CLEARING, name.as_bytes()),
        }
    }
}

/// Namespace of the owners of clearing accounts.
const CLEARING: Uuid = Uuid::from_u128(0x9a1b_77d4_3c52_5e0e_8f6b_2d0c_4be1_7a93);

impl fmt::Display for ServiceReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} of {}", self.of_type, self.id, self.issuer)
    }
}

/// Whether a text is an external id: 1 to 128 visible characters, in NFC and without blanks at the ends.
#[must_use]
pub fn is_external_id(text: &str) -> bool {
    text::is_line(text, 128)
}

/// Notes of a service or owner on a business row; no rule and no filter reads them.
pub type Metadata = Vec<(String, String)>;

/// Problem of notes; none if they are valid: at most 20 with distinct keys, 2 KB in all.
#[must_use]
pub fn problem_of(metadata: &Metadata) -> Option<&'static str> {
    let is_key = |key: &str| (1..=64).contains(&key.chars().count()) && !key.contains('\0');
    let is_value = |value: &str| value.chars().count() <= 500 && !value.contains('\0');
    let sizes = metadata
        .iter()
        .map(|(key, value)| key.len().saturating_add(value.len()));
    let mut keys: Vec<_> = metadata.iter().map(|(key, _)| key).collect();
    keys.sort_unstable();
    keys.dedup();
    if metadata.len() > 20 {
        Some("give at most 20 notes")
    } else if !metadata.iter().all(|(key, _)| is_key(key)) {
        Some("the key of a note has 1 to 64 characters, none of them NUL")
    } else if !metadata.iter().all(|(_, value)| is_value(value)) {
        Some("the value of a note has at most 500 characters, none of them NUL")
    } else if keys.len() < metadata.len() {
        Some("give each key of the notes once")
    } else if sizes.sum::<usize>() > 2_048 {
        Some("the notes have at most 2048 bytes in all")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_references_as_they_were_written() {
        let bet = ServiceReference {
            issuer: "playhub".to_owned(),
            of_type: "bet".to_owned(),
            id: "a:b/7".to_owned(),
        };
        assert_eq!(
            ServiceReference::of(&bet.kind(), &bet.id),
            Some(bet.clone())
        );
        assert_eq!(ServiceReference::of("mining_session", "7"), None);
        let other = ServiceReference {
            id: "a:b/8".to_owned(),
            ..bet.clone()
        };
        assert_ne!(bet.clearing_owner(), other.clearing_owner());
        assert_eq!(bet.clearing_owner(), bet.clone().clearing_owner());
    }

    #[test]
    fn checks_types_and_ids() {
        for (text, is_type, is_id) in [
            ("bet", true, true),
            ("bet_slip", true, true),
            ("Bet", false, true),
            ("bet-1", false, true),
            ("a b", false, false),
            ("é", false, false),
            ("", false, false),
        ] {
            assert_eq!(ServiceReference::is_type(text), is_type, "{text}");
            assert_eq!(ServiceReference::is_id(text), is_id, "{text}");
        }
        assert!(!ServiceReference::is_type(&"a".repeat(41)));
        assert!(!ServiceReference::is_id(&"a".repeat(129)));
    }

    #[test]
    fn checks_notes() {
        let notes = |pairs: &[(&str, &str)]| -> Metadata {
            let pairs = pairs.iter();
            pairs
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        assert_eq!(problem_of(&notes(&[])), None);
        assert_eq!(problem_of(&notes(&[("room", "7"), ("seat", "")])), None);
        let long = "x".repeat(501);
        let many: Metadata = (0..21).map(|n| (n.to_string(), String::new())).collect();
        let large: Metadata = (0..5).map(|n| (n.to_string(), "x".repeat(450))).collect();
        for bad in [
            notes(&[("", "7")]),
            notes(&[("room", "7"), ("room", "8")]),
            notes(&[("room", &long)]),
            many,
            large,
        ] {
            assert!(problem_of(&bad).is_some(), "{bad:?}");
        }
    }
}
