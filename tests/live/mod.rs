//! Live updates over several instances, lost connections and slow readers.

mod faults;
mod instances;
