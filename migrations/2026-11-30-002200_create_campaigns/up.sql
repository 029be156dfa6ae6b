-- Campaigns of merchants, and the vouchers that are made with them (docs/LEDGER.md: ESCROW).

CREATE TABLE campaigns (
    merchant_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    name_folded text COLLATE "C" NOT NULL,
    description text,
    text_folded text COLLATE "C" NOT NULL,
    currency smallint NOT NULL,
    face_value bigint NOT NULL,
    total_vouchers integer NOT NULL,
    acquisition_type text NOT NULL,
    price_currency smallint,
    price bigint,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    voucher_validity_days integer NOT NULL,
    max_per_user integer NOT NULL,
    allow_partial_redemption boolean NOT NULL,
    status text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT campaigns_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT campaigns_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (number),
    CONSTRAINT campaigns_price_currency_fkey FOREIGN KEY (price_currency) REFERENCES currencies (number),
    CONSTRAINT campaigns_name_length CHECK (char_length(name) BETWEEN 1 AND 255),
    CONSTRAINT campaigns_description_length CHECK (char_length(description) BETWEEN 1 AND 1000),
    CONSTRAINT campaigns_face_value_positive CHECK (face_value > 0),
    CONSTRAINT campaigns_vouchers_positive CHECK (total_vouchers > 0),
    CONSTRAINT campaigns_acquisition_known CHECK (acquisition_type IN ('EXCHANGE_POINTS', 'FREE', 'PURCHASE')),
    CONSTRAINT campaigns_price_unless_free CHECK ((acquisition_type = 'FREE') = (price IS NULL)),
    CONSTRAINT campaigns_price_whole CHECK ((price IS NULL) = (price_currency IS NULL)),
    CONSTRAINT campaigns_price_positive CHECK (price > 0),
    CONSTRAINT campaigns_end_after_start CHECK (ends_at > starts_at),
    CONSTRAINT campaigns_validity_positive CHECK (voucher_validity_days > 0),
    CONSTRAINT campaigns_limit_not_negative CHECK (max_per_user >= 0),
    CONSTRAINT campaigns_free_has_limit CHECK (max_per_user > 0 OR acquisition_type <> 'FREE'),
    CONSTRAINT campaigns_status_known CHECK (status IN ('ACTIVE', 'CANCELLED', 'COMPLETED', 'DRAFT', 'PAUSED'))
);
CREATE INDEX campaigns_newest ON campaigns (created_at, id);
CREATE INDEX campaigns_by_end ON campaigns (ends_at, id);
CREATE INDEX campaigns_by_name ON campaigns (name_folded, id);
CREATE INDEX campaigns_of_merchant ON campaigns (merchant_id, created_at, id);
CREATE INDEX campaigns_to_end ON campaigns (ends_at) WHERE status IN ('ACTIVE', 'DRAFT', 'PAUSED');
CREATE INDEX campaigns_text_grams ON campaigns USING gin (search_grams(text_folded));
COMMENT ON TABLE campaigns IS 'Offers of merchants with vouchers that their escrow covers';
COMMENT ON COLUMN campaigns.merchant_id IS 'Merchant';
COMMENT ON COLUMN campaigns.id IS 'Id of the campaign';
COMMENT ON COLUMN campaigns.name IS 'Name';
COMMENT ON COLUMN campaigns.name_folded IS 'Name as lists are ordered by it';
COMMENT ON COLUMN campaigns.description IS 'Description; null without one';
COMMENT ON COLUMN campaigns.text_folded IS 'Name and description as searches compare them';
COMMENT ON COLUMN campaigns.currency IS 'Number of the currency of the vouchers';
COMMENT ON COLUMN campaigns.face_value IS 'Value of a voucher in the smallest unit';
COMMENT ON COLUMN campaigns.total_vouchers IS 'Number of vouchers';
COMMENT ON COLUMN campaigns.acquisition_type IS 'Way to acquire a voucher';
COMMENT ON COLUMN campaigns.price_currency IS 'Number of the currency of the price; null for a free one';
COMMENT ON COLUMN campaigns.price IS 'Price of a voucher in the smallest unit; null for a free one';
COMMENT ON COLUMN campaigns.starts_at IS 'Time from which vouchers can be acquired';
COMMENT ON COLUMN campaigns.ends_at IS 'Time of the end';
COMMENT ON COLUMN campaigns.voucher_validity_days IS 'Days a voucher is valid after it was acquired';
COMMENT ON COLUMN campaigns.max_per_user IS 'Vouchers per person; 0 for no limit';
COMMENT ON COLUMN campaigns.allow_partial_redemption IS 'Whether a voucher keeps its remainder after a redemption';
COMMENT ON COLUMN campaigns.status IS 'State';
COMMENT ON COLUMN campaigns.created_at IS 'Time of creation';
COMMENT ON COLUMN campaigns.updated_at IS 'Time of the last change';
COMMENT ON COLUMN campaigns.version IS 'Number of its events';

CREATE TABLE campaign_ids (
    id uuid NOT NULL,
    merchant_id uuid NOT NULL,
    CONSTRAINT campaign_ids_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE campaign_ids IS 'Merchants of campaigns, for reads by the id alone';
COMMENT ON COLUMN campaign_ids.id IS 'Id of the campaign';
COMMENT ON COLUMN campaign_ids.merchant_id IS 'Merchant';

CREATE TABLE vouchers (
    merchant_id uuid NOT NULL,
    id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    number integer NOT NULL,
    code text NOT NULL,
    status text NOT NULL,
    remaining bigint NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT vouchers_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT vouchers_campaign_fkey FOREIGN KEY (merchant_id, campaign_id) REFERENCES campaigns (merchant_id, id),
    CONSTRAINT vouchers_number_positive CHECK (number > 0),
    CONSTRAINT vouchers_code_form CHECK (code ~ '^V[A-HJ-NP-Z2-9]{6,7}$'),
    CONSTRAINT vouchers_status_known CHECK (status IN ('AVAILABLE')),
    CONSTRAINT vouchers_remaining_not_negative CHECK (remaining >= 0)
);
CREATE UNIQUE INDEX vouchers_available ON vouchers (merchant_id, campaign_id, number) WHERE status = 'AVAILABLE';
COMMENT ON TABLE vouchers IS 'Vouchers of campaigns, each of which is backed by escrow';
COMMENT ON COLUMN vouchers.merchant_id IS 'Merchant of the campaign';
COMMENT ON COLUMN vouchers.id IS 'Id of the voucher';
COMMENT ON COLUMN vouchers.campaign_id IS 'Campaign';
COMMENT ON COLUMN vouchers.number IS 'Number within the campaign, from 1';
COMMENT ON COLUMN vouchers.code IS 'Code, a secret of the holder';
COMMENT ON COLUMN vouchers.status IS 'State';
COMMENT ON COLUMN vouchers.remaining IS 'Value that is left in the smallest unit';
COMMENT ON COLUMN vouchers.created_at IS 'Time of creation';

CREATE TABLE voucher_codes (
    code text COLLATE "C" NOT NULL,
    merchant_id uuid NOT NULL,
    voucher_id uuid NOT NULL,
    CONSTRAINT voucher_codes_pkey PRIMARY KEY (code)
);
COMMENT ON TABLE voucher_codes IS 'Vouchers by their codes, which are unique on the platform';
COMMENT ON COLUMN voucher_codes.code IS 'Code';
COMMENT ON COLUMN voucher_codes.merchant_id IS 'Merchant of the campaign';
COMMENT ON COLUMN voucher_codes.voucher_id IS 'Voucher';

CREATE TABLE promotion_rollups (
    merchant_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    quarter timestamptz NOT NULL,
    stripe smallint NOT NULL,
    issued integer NOT NULL,
    CONSTRAINT promotion_rollups_pkey PRIMARY KEY (merchant_id, campaign_id, quarter, stripe),
    CONSTRAINT promotion_rollups_campaign_fkey FOREIGN KEY (merchant_id, campaign_id) REFERENCES campaigns (merchant_id, id),
    CONSTRAINT promotion_rollups_stripe_range CHECK (stripe BETWEEN 0 AND 15),
    CONSTRAINT promotion_rollups_not_negative CHECK (issued >= 0)
);
COMMENT ON TABLE promotion_rollups IS 'Figures of campaigns by quarter of an hour; stripes keep commands of one campaign apart';
COMMENT ON COLUMN promotion_rollups.merchant_id IS 'Merchant of the campaign';
COMMENT ON COLUMN promotion_rollups.campaign_id IS 'Campaign';
COMMENT ON COLUMN promotion_rollups.quarter IS 'Start of the quarter of an hour';
COMMENT ON COLUMN promotion_rollups.stripe IS 'Stripe, 0 to 15';
COMMENT ON COLUMN promotion_rollups.issued IS 'Vouchers that were acquired';

GRANT SELECT, INSERT ON campaigns, campaign_ids, vouchers, voucher_codes, promotion_rollups TO goodgo_app;
GRANT UPDATE (name, name_folded, description, text_folded, starts_at, ends_at, max_per_user, status, updated_at, version)
    ON campaigns TO goodgo_app;
GRANT UPDATE (issued) ON promotion_rollups TO goodgo_app;

-- Campaigns keep face values and prices in the smallest unit, so they fix the scale of their currencies.
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
        OR EXISTS (SELECT FROM rate_snapshots WHERE from_currency = known OR to_currency = known)
        OR EXISTS (SELECT FROM campaigns WHERE currency = known OR price_currency = known);
END $$;
COMMENT ON FUNCTION currency_is_used IS 'Whether a currency has postings, recorded rates or campaigns; locks it against the first one';
