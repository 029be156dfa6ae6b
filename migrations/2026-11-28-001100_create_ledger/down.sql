DROP TABLE reconciliation_runs;
DROP VIEW entries;
DROP FUNCTION ensure_transfer_partitions;
DROP TABLE transfers, wallets, currencies;
DROP SEQUENCE wallets_serial, transfers_id_seq;
