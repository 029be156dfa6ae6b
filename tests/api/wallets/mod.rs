mod currencies;
mod holds;
mod settlements;
mod wallet;
mod wallet_updated;
