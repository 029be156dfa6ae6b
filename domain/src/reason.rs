//! Reasons that staff give for their decisions.

/// A reason of 1 to 500 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// Largest number of characters.
    const LONGEST: usize = 500;

    /// Parses a reason and trims surrounding blanks; none when it is empty, too long or can't be stored.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = (1..=Self::LONGEST).contains(&text.chars().count());
        (fits && !text.contains('\0')).then(|| Self(text.to_owned()))
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
    fn refuses_empty_and_long_reasons() {
        let read = |text: &str| Reason::parse(text).map(|reason| reason.as_str().to_owned());
        assert_eq!(read("  spam "), Some("spam".to_owned()));
        assert_eq!(read(&"é".repeat(500)), Some("é".repeat(500)));
        for bad in ["", " ", "a\0b", &"é".repeat(501)] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
