mod currencies;
mod wallet;
