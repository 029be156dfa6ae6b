-- The section wallet of the configuration, and the currencies that it adds.

ALTER TABLE configurations DROP CONSTRAINT configurations_section_known;
ALTER TABLE configurations ADD CONSTRAINT configurations_section_known
    CHECK (section IN ('mining', 'streak', 'referral', 'wallet'));

-- Amounts are in the smallest unit of their currency: 1,000 MP without a second person, 100,000,000 MP issued per day.
INSERT INTO configurations (section, version, body, updated_at, updated_by, reason)
    SELECT 'wallet', 1, jsonb_build_object(
        'clearingAgeHours', 72, 'conversionPairs', '[]'::jsonb, 'conversionsFrozen', false,
        'currencies', jsonb_agg(jsonb_build_object(
            'code', code, 'scale', scale, 'displayDecimals', display_decimals, 'isEnabled', true,
            'assetType', CASE WHEN code IN ('USDT', 'USD', 'VND') THEN 'CURRENCY' ELSE 'POINT' END,
            'dualControlLimit', CASE code WHEN 'MP' THEN 10000000 ELSE 0 END,
            'fxExposureLimit', 0,
            'issuanceCeiling', CASE code WHEN 'MP' THEN 1000000000000 ELSE 0 END) ORDER BY number),
        'holdMaxDays', 90, 'issuers', '[]'::jsonb, 'orphanHoldMinutes', 1440, 'rateMaxAgeSeconds', 60,
        'rateMaxJumpBps', 500, 'rateSource', 'RECORDED', 'velocityRules', '[]'::jsonb), app_now(), 'system', 'default'
    FROM currencies;

-- Waits for transactions that insert wallets of the currency, and keeps others from doing so until the end of this one.
CREATE FUNCTION currency_is_used(wanted text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    nil constant uuid := '00000000-0000-0000-0000-000000000000';
    known smallint;
BEGIN
    SELECT number INTO known FROM currencies WHERE code = wanted FOR UPDATE;
    RETURN EXISTS (SELECT FROM wallets WHERE currency = known AND (owner_id <> nil OR sequence > 0))
        OR EXISTS (SELECT FROM transfers WHERE owner_id = nil AND currency = known);
END $$;
COMMENT ON FUNCTION currency_is_used IS 'Whether a currency has postings; locks it against the first one';

-- A currency with another scale gets another number: an instance that knows only the old one can't post.
CREATE FUNCTION set_currency(wanted text, decimals smallint, shown smallint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
DECLARE
    nil constant uuid := '00000000-0000-0000-0000-000000000000';
    known currencies;
    next smallint;
BEGIN
    SELECT * INTO known FROM currencies WHERE code = wanted FOR UPDATE;
    IF known.scale = decimals THEN
        UPDATE currencies SET display_decimals = shown WHERE number = known.number AND display_decimals <> shown;
        RETURN;
    END IF;
    SELECT max(number) + 1 INTO next FROM currencies;
    IF known.number IS NOT NULL THEN
        IF currency_is_used(wanted) THEN
            RAISE EXCEPTION 'the currency % has postings: its scale is fixed', wanted;
        END IF;
        DELETE FROM dual_control_sums WHERE currency = known.number AND amount = 0;
        DELETE FROM wallets WHERE owner_id = nil AND currency = known.number;
        DELETE FROM currencies WHERE number = known.number;
    END IF;
    INSERT INTO currencies (number, code, scale, display_decimals) VALUES (next, wanted, decimals, shown);
    INSERT INTO wallets (id, owner_kind, owner_id, kind, currency, created_at)
        SELECT (place << 8) | next, 'SYSTEM', nil, kind, next, app_now()
        FROM unnest(ARRAY['MINING', 'TREASURY', 'FEES', 'FX', 'REVENUE', 'EXTERNAL', 'TRANSIT', 'SUSPENSE'])
            WITH ORDINALITY AS kinds (kind, place);
END $$;
COMMENT ON FUNCTION set_currency IS 'Inserts a currency with its house accounts, or changes the scale of an unused one or the displayed decimals';
