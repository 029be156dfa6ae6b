DROP TABLE deposit_sums;
DROP TABLE deposits;
DROP TABLE external_references;
