//! User errors of reconciliation.

use domain::wallets::reconciliation::ReconciliationRefusal;

use crate::prelude::*;

user_error! {
    ReconciliationUserError, ReconciliationRefusal, "reconciliation";
}
