//! The API, one file for each root field: the happy path first, then each refusal in the order it is checked.

pub mod mining;
mod platform;
mod promotions;
mod wallets;
