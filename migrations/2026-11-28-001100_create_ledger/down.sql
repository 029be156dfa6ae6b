DROP TABLE reconciliation_runs;
DROP VIEW entries;
DROP FUNCTION ensure_transfer_partitions;
DROP TABLE dual_control_sums, transfers, wallets, currencies;
