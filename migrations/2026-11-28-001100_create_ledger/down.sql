DROP TABLE reconciliation_runs;
DROP VIEW entries;
DROP FUNCTION ensure_transfer_partitions;
DROP TABLE transfers, wallets, currencies;
