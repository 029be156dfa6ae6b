//! Payments at providers.

use async_graphql::{InputType, InputValueError, InputValueResult, Value};
use domain::wallets::ProviderPayment as Payment;

use crate::delegation::input_like;
use crate::prelude::*;
use crate::wallets::inputs::texts;

object! {
    /// Payment at a provider. An incoming one is credited once, as a deposit or for an invoice.
    ProviderPayment(payment: Payment) {
        /// Name of the provider in lower case, 1 to 64 characters.
        provider: String = payment.provider,
        /// Key of the payment at the provider, 1 to 128 characters.
        reference: String = payment.reference,
    }
}

texts! {
    /// Name of a provider.
    ProviderName = Payment::is_provider,
        "a provider has 1 to 64 visible characters, composed (NFC) and without blanks at the ends";
    /// Key of a payment.
    PaymentReference = Payment::is_reference,
        "a payment's reference has 1 to 128 visible characters, composed (NFC) and without blanks at the ends";
}

impl ProviderName {
    /// The name as it is stored.
    pub(crate) fn key(&self) -> String {
        Payment::provider_of(&self.0)
    }
}

/// Payment at a provider. An incoming one is credited once, as a deposit or for an invoice.
#[derive(InputObject)]
pub struct ProviderPaymentInput {
    /// Name of the provider, 1 to 64 visible characters; case and width of letters do not count.
    pub provider: ProviderName,
    /// Key of the payment at the provider, 1 to 128 characters.
    pub reference: PaymentReference,
}

impl ProviderPaymentInput {
    /// The payment.
    pub(crate) fn payment(&self) -> Payment {
        Payment {
            provider: self.provider.key(),
            reference: self.reference.0.clone(),
        }
    }
}
