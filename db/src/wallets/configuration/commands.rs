//! The command that changes the section `wallet`.

use domain::platform::ConfigurationRefusal;

use crate::command::commands;
use crate::platform::configuration::updates;

commands! {
    ConfigurationRefusal;
    WALLET_CONFIGURATION_UPDATE = "platform.wallet_configuration_update", ConfigurationUpdate, Optional:
        ReasonInvalid, OutOfRange, ListLength, TextLength, TooFine, CurrencyUnknown, CurrencyMissing, ScaleFixed,
        Duplicate, NameInvalid, PairItself, PairRateMissing, RuleEmpty, IssuerMissing, IssuerTaken, Stale;
}

updates! {
    WalletUpdate = WALLET_CONFIGURATION_UPDATE, "wallet";
}
