//! Ways to name a voucher that is redeemed or validated: code, token, id.

use async_graphql::OneofObject;
use db::promotions::voucher::commands::Ticket;

use super::objects::Voucher;
use crate::prelude::*;

/// What is shown at the till.
#[derive(OneofObject)]
pub enum VoucherTicketBy {
    /// Code of the voucher, without regard to case, blanks and hyphens.
    Code(String),
    /// Token of the QR code, for merchants.
    Token(String),
    /// Voucher, for its holder.
    VoucherId(Id<Voucher>),
}

impl VoucherTicketBy {
    /// The ticket of the command.
    pub(super) fn ticket(&self) -> Ticket {
        match self {
            Self::Code(text) => Ticket::Code(text.clone()),
            Self::Token(token) => Ticket::Token(token.clone()),
            Self::VoucherId(id) => Ticket::Voucher(id.key),
        }
    }

    /// Whether it can be a guess.
    pub(super) fn is_guess(&self) -> bool {
        matches!(self, Self::Code(_))
    }
}
