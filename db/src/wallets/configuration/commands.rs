//! The command that changes the section `wallet` of the configuration.

use domain::platform::ConfigurationRefusal;

use crate::command::commands;
use crate::platform::configuration::updates;

commands! {
    ConfigurationRefusal;
    WALLET_CONFIGURATION_UPDATE = "platform.wallet_configuration_update", ConfigurationUpdate, Optional:
        ReasonInvalid, OutOfRange, ListLength, TextLength, TooFine, CurrencyUnknown, CurrencyMissing, ScaleFixed,
        Duplicate, NameInvalid, PairInvalid, PairRateMissing, RuleWithoutLimit, IssuerMissing, IssuerInUse, Stale;
}

updates! {
    WalletUpdate = WALLET_CONFIGURATION_UPDATE, "wallet";
}
