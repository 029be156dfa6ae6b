mod currencies;
mod wallet;
mod wallet_updated;
