//! Reasons that staff give for their decisions.

use crate::text::{self, bounded_text};

bounded_text! {
    /// A reason of 1 to 500 characters.
    Reason(500) = text::parse;
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
