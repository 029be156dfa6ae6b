DROP TABLE promotion_rollups, voucher_codes, vouchers, campaign_ids, campaigns;
