DROP TABLE velocity_sums, clearing_accounts, settlements, holds;
