DROP TABLE issuance_counts, reversals, house_transfers, rewards, treasury_fundings, campaign_treasuries, clearing_releases;
ALTER TABLE owners DROP COLUMN freezes, DROP COLUMN version;
