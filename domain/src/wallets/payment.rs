//! Payments at providers.

use crate::text;

/// Payment at a provider. An incoming one is credited once.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderPayment {
    /// Name of the provider, in the form of [`Self::provider_of`].
    pub provider: String,
    /// Key of the payment at the provider. Case counts.
    pub reference: String,
}

impl ProviderPayment {
    /// Whether a text is the name of a provider: 1 to 64 characters.
    #[must_use]
    pub fn is_provider(text: &str) -> bool {
        text::is_line(text, 64)
    }

    /// The form in which names of providers are stored: the width of letters and their case make no other provider.
    #[must_use]
    pub fn provider_of(text: &str) -> String {
        text::fold(&text::plain(text))
    }

    /// Whether a text is the key of a payment: 1 to 128 characters.
    #[must_use]
    pub fn is_reference(text: &str) -> bool {
        text::is_line(text, 128)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_provider_in_any_case_and_width() {
        for name in ["stripe", "Stripe", "STRIPE", "\u{ff53}tripe"] {
            assert_eq!(ProviderPayment::provider_of(name), "stripe");
        }
        assert_eq!(ProviderPayment::provider_of("Ngân hàng"), "ngân hàng");
    }

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
