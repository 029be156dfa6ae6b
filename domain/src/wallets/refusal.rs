//! Texts of refusals that several aggregates of wallets have, and the checks that lead to them.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::WalletConfiguration;
use crate::money::{Currency, CurrencyCode, Minor, Money, amount};
use crate::refusal::{Texts, texts};

/// No currency has the code.
pub(super) const CURRENCY_UNKNOWN: Texts = texts(
    "CURRENCY_UNKNOWN",
    "amount.currency",
    "no currency has this code: see `currencies`",
    "không có loại tiền nào với mã này",
);

/// The currency is switched off.
pub(super) const CURRENCY_DISABLED: Texts = texts(
    "CURRENCY_DISABLED",
    "amount.currency",
    "this currency is switched off",
    "loại tiền này đang bị tắt",
);

/// The amount is not an amount of the currency.
pub(super) const AMOUNT_INVALID: Texts = texts(
    "AMOUNT_INVALID",
    "amount.amount",
    "give an amount above 0, at most 1000000000000, with no more decimals than the currency has",
    "hãy nhập số tiền lớn hơn 0, tối đa 1000000000000, với số chữ số thập phân mà loại tiền này cho phép",
);

/// The external id was used before.
pub(super) const DUPLICATE_EXTERNAL_ID: Texts = texts(
    "DUPLICATE_EXTERNAL_ID",
    "externalId",
    "this external id was used before: see `duplicateId`",
    "mã ngoài này đã được sử dụng trước đó",
);

/// The owner is frozen, so amounts can't leave their wallets.
pub(super) const WALLET_FROZEN: Texts = texts(
    "WALLET_FROZEN",
    "",
    "the owner is frozen: nothing can leave their wallets",
    "chủ ví đang bị đóng băng: không thể rút gì khỏi các ví của họ",
);

/// A velocity rule is exceeded.
pub(super) const VELOCITY_LIMIT: Texts = texts(
    "VELOCITY_LIMIT",
    "",
    "the owner's limit for this operation is reached: see `limit` and `retryAt`",
    "đã đạt giới hạn của chủ ví cho thao tác này",
);

/// The available balance is too low.
pub(super) const INSUFFICIENT_FUNDS: Texts = texts(
    "INSUFFICIENT_FUNDS",
    "amount",
    "only {available} {currency} is available",
    "chỉ còn {available} {currency} khả dụng",
);

/// A new balance would be larger than the ledger can hold.
pub(super) const BALANCE_OVERFLOW: Texts = texts(
    "BALANCE_OVERFLOW",
    "",
    "a balance would be too large to store",
    "số dư mới sẽ quá lớn để lưu trữ",
);

/// Currencies of the ledger, by code.
pub type Currencies = HashMap<CurrencyCode, Currency>;

/// Reason why an amount is not one of a currency of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoAmount {
    /// No currency has the code.
    CurrencyUnknown,
    /// The currency is switched off.
    CurrencyDisabled,
    /// The amount is not above zero, too large, or finer than the currency's scale.
    AmountInvalid,
}

/// Checks an amount of a currency that accepts commands.
pub fn enabled_amount(
    configuration: &WalletConfiguration,
    currencies: &Currencies,
    value: Decimal,
    code: CurrencyCode,
) -> Result<Money, NoAmount> {
    let settings = configuration.currency(code);
    if currencies.contains_key(&code) && settings.is_some_and(|settings| !settings.is_enabled) {
        return Err(NoAmount::CurrencyDisabled);
    }
    any_amount(currencies, value, code)
}

/// Checks an amount of any currency of the ledger.
pub fn any_amount(
    currencies: &Currencies,
    value: Decimal,
    code: CurrencyCode,
) -> Result<Money, NoAmount> {
    let currency = *currencies.get(&code).ok_or(NoAmount::CurrencyUnknown)?;
    let parsed = amount(value, currency.scale).ok();
    let amount = parsed.filter(|amount| *amount > Minor::ZERO);
    Ok(Money {
        amount: amount.ok_or(NoAmount::AmountInvalid)?,
        currency,
    })
}

/// Maps [`NoAmount`] to the refusals of aggregates that have all of its causes.
macro_rules! no_amount {
    ($($refusal:ty),+ $(,)?) => {
        $(impl From<$crate::wallets::NoAmount> for $refusal {
            fn from(cause: $crate::wallets::NoAmount) -> Self {
                match cause {
                    $crate::wallets::NoAmount::CurrencyUnknown => Self::CurrencyUnknown,
                    $crate::wallets::NoAmount::CurrencyDisabled => Self::CurrencyDisabled,
                    $crate::wallets::NoAmount::AmountInvalid => Self::AmountInvalid,
                }
            }
        })+
    };
}
pub(super) use no_amount;

/// Maps an exceeded velocity rule, with the amount that exceeds it, to the refusals of aggregates that have such rules.
macro_rules! velocity_limit {
    ($($refusal:ty),+ $(,)?) => {
        $(impl From<($crate::wallets::Exceeded, $crate::money::Money)> for $refusal {
            fn from((exceeded, amount): ($crate::wallets::Exceeded, $crate::money::Money)) -> Self {
                let $crate::wallets::Exceeded { rule, retry_at } = exceeded;
                let most = rule.max_amount;
                Self::VelocityLimit {
                    operation: rule.operation.name(),
                    window: rule.window.name(),
                    currency: rule.currency,
                    max_count: rule.max_count,
                    max_amount: most.map(|most| most.to_decimal(amount.currency.scale)),
                    retry_at,
                }
            }
        })+
    };
}
pub(super) use velocity_limit;
