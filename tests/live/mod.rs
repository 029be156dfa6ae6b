//! Live updates over several instances, lost connections and slow readers.

mod instances;
