//! Counts the refused commands of services.

use std::collections::BTreeSet;

use parking_lot::Mutex;

/// Largest number of callers with series of their own; more are counted as `other`. Issuers choose the subjects.
const MAX_CALLERS: usize = 100;
/// Characters of a caller's label.
const MAX_LENGTH: usize = 200;

/// Callers with series of their own.
static CALLERS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Counts a refusal by caller, command and code. The rate of the counter is the number per minute.
pub(crate) fn count(caller: &str, command: &'static str, code: &'static str) {
    let caller = label(&mut CALLERS.lock(), caller);
    let labels = [
        ("caller", caller),
        ("command", command.to_owned()),
        ("code", code.to_owned()),
    ];
    metrics::counter!("goodgo_service_refusals_total", &labels).increment(1);
}

fn label(known: &mut BTreeSet<String>, caller: &str) -> String {
    let caller: String = caller.chars().take(MAX_LENGTH).collect();
    if !known.contains(&caller) {
        if known.len() >= MAX_CALLERS {
            return "other".to_owned();
        }
        known.insert(caller.clone());
    }
    caller
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_surplus_callers_as_other() {
        let mut known = BTreeSet::new();
        for number in 0..MAX_CALLERS {
            let caller = format!("shop|{number}");
            assert_eq!(label(&mut known, &caller), caller);
        }
        assert_eq!(label(&mut known, "shop|late"), "other");
        assert_eq!(label(&mut known, "shop|7"), "shop|7");
    }
}
