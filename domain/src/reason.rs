//! Reasons that staff give for their decisions.

use crate::text;

/// A reason of 1 to 500 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// Largest number of characters.
    const LONGEST: usize = 500;

    /// Parses a reason; none when it is empty, too long or [`text::parse`] refuses its characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text::parse(text, Self::LONGEST).map(Self)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_empty_long_and_hidden_reasons() {
        let read = |text: &str| Reason::parse(text).map(|reason| reason.as_str().to_owned());
        assert_eq!(read("  spam "), Some("spam".to_owned()));
        assert_eq!(read(&"é".repeat(500)), Some("é".repeat(500)));
        for bad in ["", " ", "a\0b", "a\nb", "a\u{202E}b", &"é".repeat(501)] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
