//! Payments at providers.

use crate::text;

/// Payment at a provider. An incoming one is credited once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderPayment {
    /// Name of the provider.
    pub provider: String,
    /// Key of the payment at the provider. Case counts.
    pub reference: String,
}

impl ProviderPayment {
    /// Whether a text is the name of a provider: 1 to 64 characters.
    #[must_use]
    pub fn is_provider(text: &str) -> bool {
        is_line(text, 64)
    }

    /// Whether a text is the key of a payment: 1 to 128 characters.
    #[must_use]
    pub fn is_reference(text: &str) -> bool {
        is_line(text, 128)
    }
}

/// Whether a text has 1 to `longest` visible characters, in NFC and without blanks at the ends: two payments never differ in
/// what nobody sees.
fn is_line(text: &str, longest: usize) -> bool {
    text::parse(text, longest).as_deref() == Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_providers_and_references() {
        for (text, is_provider, is_reference) in [
            ("VCB", true, true),
            ("Ngân hàng", true, true),
            ("", false, false),
            (" VCB", false, false),
            ("VCB\n", false, false),
            ("VC\u{200b}B", false, false),
            ("Nga\u{302}n", false, false),
            (&"a".repeat(65), false, true),
            (&"a".repeat(129), false, false),
        ] {
            assert_eq!(ProviderPayment::is_provider(text), is_provider, "{text}");
            assert_eq!(ProviderPayment::is_reference(text), is_reference, "{text}");
        }
    }
}
