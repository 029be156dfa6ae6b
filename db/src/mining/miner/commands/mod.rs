//! Commands on miners.

pub(in crate::mining) mod decisions;
pub(in crate::mining) mod kyc_complete;
pub(in crate::mining) mod points_adjust;
pub(in crate::mining) mod register;

pub use decisions::*;
pub use kyc_complete::*;
pub use points_adjust::*;
pub use register::*;
