//! Names of people.

use crate::text::{self, bounded_text};

bounded_text! {
    /// Name of a person that others see: 1 to 100 characters. Longer names of tokens are cut.
    DisplayName(100) = text::parse_shortened;
}

impl DisplayName {
    /// Letters and digits of generated names.
    const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    /// The name of a person whose token has none: `Miner` and four random characters.
    #[must_use]
    pub fn generated(bytes: [u8; 4]) -> Self {
        let suffix: String = bytes
            .into_iter()
            .filter_map(|byte| Self::ALPHABET.get(usize::from(byte & 31)))
            .map(|letter| char::from(*letter))
            .collect();
        Self(format!("Miner {suffix}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_shortens_names_of_tokens() {
        let read = |name: &str| DisplayName::parse(name).map(|name| name.as_str().to_owned());
        assert_eq!(read(" Tha\u{309}o "), Some("Thảo".to_owned()));
        assert_eq!(read(&"é".repeat(101)), Some("é".repeat(100)));
        for bad in ["", " ", "Alice\u{202E}", "A\nB", "\u{200B}", "\u{3164}"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn generates_names_without_lookalikes() {
        assert_eq!(
            DisplayName::generated([0, 31, 32, 255]).as_str(),
            "Miner A9A9"
        );
    }
}
