DROP TABLE user_redemptions, redemptions, orders, user_vouchers, campaign_users;
ALTER TABLE promotion_rollups
    DROP CONSTRAINT promotion_rollups_not_negative,
    DROP COLUMN redeemed, DROP COLUMN used, DROP COLUMN refunded, DROP COLUMN returned,
    ADD CONSTRAINT promotion_rollups_not_negative CHECK (issued >= 0);
ALTER TABLE vouchers ALTER COLUMN merchant_id SET STATISTICS -1, ALTER COLUMN campaign_id SET STATISTICS -1;
DROP INDEX vouchers_of_campaign, vouchers_by_id, vouchers_to_expire, vouchers_to_warn;
ALTER TABLE vouchers
    DROP CONSTRAINT vouchers_status_known,
    DROP COLUMN unearned, DROP COLUMN owner_id, DROP COLUMN claimed_at, DROP COLUMN expires_at, DROP COLUMN usable_until,
    DROP COLUMN redeemed_at, DROP COLUMN revoked_at, DROP COLUMN revocation_reason, DROP COLUMN is_warned,
    DROP COLUMN updated_at, DROP COLUMN version,
    ADD CONSTRAINT vouchers_status_known CHECK (status IN ('AVAILABLE'));
ALTER TABLE campaigns DROP COLUMN revoked_at, DROP COLUMN revocation_reason, DROP COLUMN vouchers_to_revoke;
