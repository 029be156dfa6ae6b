//! Vouchers of campaigns.

use std::fmt;

use crate::code::letters;

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

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
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
        assert_eq!(code(VoucherCode::MANY).as_str(), "VA9AJP9B");
        assert_eq!(format!("{:?}", code(0)), "VoucherCode(…)");
    }
}
