mod clearing;
mod currencies;
mod freezes;
mod holds;
mod settlements;
mod wallet;
mod wallet_updated;
