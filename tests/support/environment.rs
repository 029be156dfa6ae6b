//! The environment of the run: the only reader of it in the tests.

use std::ffi::OsString;

/// A variable of the environment.
#[expect(
    clippy::disallowed_methods,
    reason = "settings of script/test and script/soak"
)]
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// Whether this is the long run of script/soak.
pub fn is_soak() -> bool {
    variable("GOODGO_SOAK").is_some()
}

/// A number of the environment.
pub fn number_of(name: &str, default: u64) -> u64 {
    let given = variable(name).map(|text| text.into_string().unwrap().parse().unwrap());
    given.unwrap_or(default)
}
