//! Why staff decide something, in their own words: for whoever asks later.

/// A reason of 1 to 500 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

impl Reason {
    /// Characters, at most.
    const LONGEST: usize = 500;

    /// Reads a reason without the blanks around it; none, if it explains nothing, too much, or can't be stored.
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
    fn a_reason_says_something_and_not_too_much() {
        let read = |text: &str| Reason::parse(text).map(|reason| reason.as_str().to_owned());
        assert_eq!(read("  spam "), Some("spam".to_owned()));
        assert_eq!(read(&"é".repeat(500)), Some("é".repeat(500)));
        for bad in ["", " ", "a\0b", &"é".repeat(501)] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
