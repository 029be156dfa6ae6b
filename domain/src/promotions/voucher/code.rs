//! Codes of vouchers.

use std::fmt;

use crate::code::{is_code, letters};

/// Code of a voucher, a secret of its holder: `V` and letters of codes. It is shown masked in logs.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VoucherCode(String);

impl VoucherCode {
    /// Number of existing codes from which new ones have seven letters, so that hardly a guess finds one.
    pub const MANY: i64 = 100_000_000;

    /// Makes a code from random bytes; `existing` is about the number of codes so far.
    #[must_use]
    pub fn from_random(bytes: [u8; 7], existing: i64) -> Self {
        let length = if existing < Self::MANY { 6 } else { 7 };
        Self(format!("V{}", letters(bytes.into_iter().take(length))))
    }

    /// Reads a code as a person types it: without regard to case, blanks and hyphens. None for a text that is no code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > 64 {
            return None;
        }
        let letters = text
            .chars()
            .filter(|letter| !letter.is_whitespace() && *letter != '-');
        let code: String = letters.map(|letter| letter.to_ascii_uppercase()).collect();
        let rest = code.strip_prefix('V')?;
        let is_whole = matches!(rest.len(), 6 | 7) && is_code(rest);
        is_whole.then_some(Self(code))
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its last two characters, which others than the holder may see.
    #[must_use]
    pub fn ending(&self) -> &str {
        let start = self.0.len().saturating_sub(2);
        self.0.get(start..).unwrap_or_default()
    }
}

impl fmt::Debug for VoucherCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VoucherCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_longer_codes_once_there_are_many() {
        let bytes = [0, 31, 32, 8, 13, 255, 1];
        let code = |existing| VoucherCode::from_random(bytes, existing);
        assert_eq!(code(0).as_str(), "VA9AJP9");
        assert_eq!(code(0).ending(), "P9");
        assert_eq!(code(VoucherCode::MANY).as_str(), "VA9AJP9B");
        assert_eq!(format!("{:?}", code(0)), "VoucherCode(…)");
    }

    #[test]
    fn reads_codes_as_people_type_them() {
        let read = |text| VoucherCode::parse(text).map(|code| code.as_str().to_owned());
        for text in ["VA9AJP9", "va9ajp9", " VA9-AJP9 ", "v a9a\u{a0}jp9"] {
            assert_eq!(read(text).as_deref(), Some("VA9AJP9"), "{text}");
        }
        assert_eq!(read("VA9AJP9B").as_deref(), Some("VA9AJP9B"));
        for text in [
            "",
            "V",
            "XA9AJP9",
            "VA9AJP",
            "VA9AJP9BB",
            "VA9AJO9",
            "VA9AJ1É",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&"V".repeat(65)), None);
    }
}
