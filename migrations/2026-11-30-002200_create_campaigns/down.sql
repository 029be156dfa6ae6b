CREATE OR REPLACE FUNCTION currency_is_used(wanted text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    nil constant uuid := '00000000-0000-0000-0000-000000000000';
    known smallint;
BEGIN
    SELECT number INTO known FROM currencies WHERE code = wanted FOR UPDATE;
    RETURN EXISTS (SELECT FROM wallets WHERE currency = known AND (owner_id <> nil OR sequence > 0))
        OR EXISTS (SELECT FROM transfers WHERE owner_id = nil AND currency = known)
        OR EXISTS (SELECT FROM rate_snapshots WHERE from_currency = known OR to_currency = known);
END $$;
COMMENT ON FUNCTION currency_is_used IS 'Whether a currency has postings or recorded rates; locks it against the first one';
DROP TABLE promotion_rollups, voucher_codes, vouchers, campaign_ids, campaigns;
