mod conversions;
mod currencies;
mod deposits;
mod holds;
mod settlements;
mod wallet;
mod wallet_updated;
mod withdrawals;
