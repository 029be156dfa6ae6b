-- Vouchers that people acquire, redeem and lose, and the redemptions (docs/LEDGER.md: ESCROW, PROCEEDS).

ALTER TABLE campaigns
    ADD COLUMN revoked_at timestamptz,
    ADD COLUMN revocation_reason text,
    ADD COLUMN vouchers_to_revoke integer,
    ADD CONSTRAINT campaigns_revocation_whole CHECK ((revoked_at IS NULL) = (revocation_reason IS NULL)
        AND (revoked_at IS NULL) = (vouchers_to_revoke IS NULL)),
    ADD CONSTRAINT campaigns_revocation_reason_length CHECK (char_length(revocation_reason) BETWEEN 1 AND 500),
    ADD CONSTRAINT campaigns_revoked_are_cancelled CHECK (revoked_at IS NULL OR status = 'CANCELLED'),
    ADD CONSTRAINT campaigns_to_revoke_not_negative CHECK (vouchers_to_revoke >= 0);
COMMENT ON COLUMN campaigns.revoked_at IS 'Time its vouchers were revoked; null unless they were';
COMMENT ON COLUMN campaigns.revocation_reason IS 'Reason of the revocation; null unless revoked';
COMMENT ON COLUMN campaigns.vouchers_to_revoke IS 'Vouchers that could be redeemed when it was revoked; null unless revoked';
GRANT UPDATE (revoked_at, revocation_reason, vouchers_to_revoke) ON campaigns TO goodgo_app;

ALTER TABLE vouchers
    ADD COLUMN unearned bigint NOT NULL DEFAULT 0,
    ADD COLUMN owner_id uuid,
    ADD COLUMN claimed_at timestamptz,
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN usable_until timestamptz,
    ADD COLUMN redeemed_at timestamptz,
    ADD COLUMN revoked_at timestamptz,
    ADD COLUMN revocation_reason text,
    ADD COLUMN is_warned boolean NOT NULL DEFAULT false,
    ADD COLUMN updated_at timestamptz,
    ADD COLUMN version bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT vouchers_status_known,
    ADD CONSTRAINT vouchers_status_known CHECK (status IN ('AVAILABLE', 'CLAIMED', 'EXPIRED', 'FULLY_REDEEMED', 'PARTIALLY_REDEEMED')),
    ADD CONSTRAINT vouchers_acquired_whole CHECK ((status = 'AVAILABLE') = (owner_id IS NULL)
        AND (owner_id IS NULL) = (claimed_at IS NULL) AND (owner_id IS NULL) = (expires_at IS NULL)
        AND (owner_id IS NULL) = (usable_until IS NULL)),
    ADD CONSTRAINT vouchers_empty_are_used CHECK ((status = 'FULLY_REDEEMED') = (remaining = 0)),
    ADD CONSTRAINT vouchers_unearned_not_negative CHECK (unearned >= 0),
    ADD CONSTRAINT vouchers_times_ordered CHECK (expires_at > claimed_at AND usable_until >= expires_at),
    ADD CONSTRAINT vouchers_revocation_whole CHECK ((revoked_at IS NULL) = (revocation_reason IS NULL)),
    ADD CONSTRAINT vouchers_revocation_reason_length CHECK (char_length(revocation_reason) BETWEEN 1 AND 500),
    ADD CONSTRAINT vouchers_revoked_are_expired CHECK (revoked_at IS NULL OR status = 'EXPIRED');
UPDATE vouchers SET updated_at = created_at;
ALTER TABLE vouchers ALTER COLUMN updated_at SET NOT NULL;
CREATE INDEX vouchers_of_campaign ON vouchers (campaign_id, id);
-- A large campaign has far more rows than the statistics know of before the next ANALYZE. Without statistics PostgreSQL never
-- takes a merchant or a campaign for one that has a single voucher, and reads vouchers by their ids.
ALTER TABLE vouchers ALTER COLUMN merchant_id SET STATISTICS 0, ALTER COLUMN campaign_id SET STATISTICS 0;
CREATE INDEX vouchers_by_id ON vouchers (id);
CREATE INDEX vouchers_to_expire ON vouchers (usable_until) WHERE status IN ('CLAIMED', 'PARTIALLY_REDEEMED');
CREATE INDEX vouchers_to_warn ON vouchers (usable_until) WHERE status IN ('CLAIMED', 'PARTIALLY_REDEEMED') AND NOT is_warned;
COMMENT ON COLUMN vouchers.remaining IS 'Value that is left in the smallest unit; of an expired one the value that it had left';
COMMENT ON COLUMN vouchers.unearned IS 'Part of its price that no redemption has earned, in the smallest unit';
COMMENT ON COLUMN vouchers.owner_id IS 'Holder; null before it was acquired';
COMMENT ON COLUMN vouchers.claimed_at IS 'Time it was acquired';
COMMENT ON COLUMN vouchers.expires_at IS 'End of its validity';
COMMENT ON COLUMN vouchers.usable_until IS 'Time until which it can be redeemed: after its validity if value came back';
COMMENT ON COLUMN vouchers.redeemed_at IS 'Time of the last redemption; null before the first';
COMMENT ON COLUMN vouchers.revoked_at IS 'Time it was revoked; null unless it was';
COMMENT ON COLUMN vouchers.revocation_reason IS 'Reason of the revocation; null unless revoked';
COMMENT ON COLUMN vouchers.is_warned IS 'Whether its holder was told that it expires soon';
COMMENT ON COLUMN vouchers.updated_at IS 'Time of the last change';
COMMENT ON COLUMN vouchers.version IS 'Number of its events';
GRANT UPDATE (status, remaining, unearned, owner_id, claimed_at, expires_at, usable_until, redeemed_at, revoked_at,
              revocation_reason, is_warned, updated_at, version) ON vouchers TO goodgo_app;

ALTER TABLE promotion_rollups
    ADD COLUMN redeemed integer NOT NULL DEFAULT 0,
    ADD COLUMN used bigint NOT NULL DEFAULT 0,
    ADD COLUMN refunded bigint NOT NULL DEFAULT 0,
    ADD COLUMN returned bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT promotion_rollups_not_negative,
    ADD CONSTRAINT promotion_rollups_not_negative CHECK (issued >= 0 AND redeemed >= 0 AND used >= 0 AND refunded >= 0
        AND returned BETWEEN 0 AND used);
COMMENT ON COLUMN promotion_rollups.redeemed IS 'Redemptions that are not voided';
COMMENT ON COLUMN promotion_rollups.used IS 'Value that they used, in the smallest unit';
COMMENT ON COLUMN promotion_rollups.refunded IS 'Surplus that they took, in the smallest unit';
COMMENT ON COLUMN promotion_rollups.returned IS 'Value that was returned of them, in the smallest unit';
GRANT UPDATE (redeemed, used, refunded, returned) ON promotion_rollups TO goodgo_app;

CREATE TABLE campaign_users (
    merchant_id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    user_id uuid NOT NULL,
    acquired integer NOT NULL,
    CONSTRAINT campaign_users_pkey PRIMARY KEY (merchant_id, campaign_id, user_id),
    CONSTRAINT campaign_users_campaign_fkey FOREIGN KEY (merchant_id, campaign_id) REFERENCES campaigns (merchant_id, id),
    CONSTRAINT campaign_users_acquired_not_negative CHECK (acquired >= 0)
);
COMMENT ON TABLE campaign_users IS 'Vouchers of a campaign per person';
COMMENT ON COLUMN campaign_users.merchant_id IS 'Merchant of the campaign';
COMMENT ON COLUMN campaign_users.campaign_id IS 'Campaign';
COMMENT ON COLUMN campaign_users.user_id IS 'Person';
COMMENT ON COLUMN campaign_users.acquired IS 'Vouchers that the person acquired, but those that were refunded in full';

CREATE TABLE user_vouchers (
    user_id uuid NOT NULL,
    voucher_id uuid NOT NULL,
    merchant_id uuid NOT NULL,
    claimed_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    status text NOT NULL,
    CONSTRAINT user_vouchers_pkey PRIMARY KEY (user_id, voucher_id),
    CONSTRAINT user_vouchers_status_known CHECK (status IN ('CLAIMED', 'EXPIRED', 'FULLY_REDEEMED', 'PARTIALLY_REDEEMED'))
);
CREATE INDEX user_vouchers_newest ON user_vouchers (user_id, claimed_at, voucher_id);
COMMENT ON TABLE user_vouchers IS 'Vouchers by their holders, for reads by the person';
COMMENT ON COLUMN user_vouchers.user_id IS 'Holder';
COMMENT ON COLUMN user_vouchers.voucher_id IS 'Voucher';
COMMENT ON COLUMN user_vouchers.merchant_id IS 'Merchant of the campaign';
COMMENT ON COLUMN user_vouchers.claimed_at IS 'Time it was acquired';
COMMENT ON COLUMN user_vouchers.expires_at IS 'Time until which it can be redeemed';
COMMENT ON COLUMN user_vouchers.status IS 'State of the voucher';

CREATE TABLE orders (
    merchant_id uuid NOT NULL,
    id uuid NOT NULL,
    currency smallint NOT NULL,
    amount bigint NOT NULL,
    covered bigint NOT NULL,
    CONSTRAINT orders_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT orders_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (number),
    CONSTRAINT orders_covered_in_amount CHECK (covered BETWEEN 0 AND amount),
    CONSTRAINT orders_amount_positive CHECK (amount > 0)
);
COMMENT ON TABLE orders IS 'Orders for which vouchers were redeemed';
COMMENT ON COLUMN orders.merchant_id IS 'Merchant';
COMMENT ON COLUMN orders.id IS 'Key of the order at the merchant';
COMMENT ON COLUMN orders.currency IS 'Number of the currency';
COMMENT ON COLUMN orders.amount IS 'Amount in the smallest unit';
COMMENT ON COLUMN orders.covered IS 'Part that vouchers pay, in the smallest unit';

CREATE TABLE redemptions (
    merchant_id uuid NOT NULL,
    id uuid NOT NULL,
    campaign_id uuid NOT NULL,
    voucher_id uuid NOT NULL,
    user_id uuid NOT NULL,
    order_id uuid,
    order_amount bigint NOT NULL,
    used bigint NOT NULL,
    refunded bigint NOT NULL,
    returned bigint NOT NULL,
    price_share bigint NOT NULL,
    price_returned bigint NOT NULL,
    status text NOT NULL,
    redeemed_by text NOT NULL,
    redeemed_at timestamptz NOT NULL,
    settle_expires_at timestamptz,
    ended_at timestamptz,
    transaction_id uuid,
    version bigint NOT NULL,
    CONSTRAINT redemptions_pkey PRIMARY KEY (merchant_id, id),
    CONSTRAINT redemptions_voucher_fkey FOREIGN KEY (merchant_id, voucher_id) REFERENCES vouchers (merchant_id, id),
    CONSTRAINT redemptions_campaign_fkey FOREIGN KEY (merchant_id, campaign_id) REFERENCES campaigns (merchant_id, id),
    CONSTRAINT redemptions_status_known CHECK (status IN ('PENDING', 'SETTLED', 'VOIDED')),
    CONSTRAINT redemptions_actor_known CHECK (redeemed_by IN ('HOLDER', 'MERCHANT', 'SERVICE')),
    CONSTRAINT redemptions_order_unless_at_till CHECK (order_id IS NOT NULL OR redeemed_by = 'MERCHANT'),
    CONSTRAINT redemptions_used_in_order CHECK (used > 0 AND used <= order_amount),
    CONSTRAINT redemptions_refunded_not_negative CHECK (refunded >= 0),
    CONSTRAINT redemptions_returned_in_used CHECK (returned BETWEEN 0 AND used),
    CONSTRAINT redemptions_price_returned_in_share CHECK (price_returned BETWEEN 0 AND price_share),
    CONSTRAINT redemptions_pending_expire CHECK ((status = 'PENDING') = (settle_expires_at IS NOT NULL)),
    CONSTRAINT redemptions_end_whole CHECK ((status = 'PENDING') = (ended_at IS NULL)),
    CONSTRAINT redemptions_settled_posted CHECK ((status = 'SETTLED') = (transaction_id IS NOT NULL)),
    CONSTRAINT redemptions_settled_returned CHECK (status = 'SETTLED' OR (returned = 0 AND price_returned = 0))
);
CREATE UNIQUE INDEX redemptions_once_per_order ON redemptions (merchant_id, voucher_id, order_id) WHERE status <> 'VOIDED';
CREATE INDEX redemptions_newest ON redemptions (redeemed_at, id);
CREATE INDEX redemptions_by_id ON redemptions (id);
CREATE INDEX redemptions_of_merchant ON redemptions (merchant_id, redeemed_at, id);
CREATE INDEX redemptions_of_campaign ON redemptions (merchant_id, campaign_id, redeemed_at, id);
CREATE INDEX redemptions_of_voucher ON redemptions (merchant_id, voucher_id, redeemed_at, id);
CREATE INDEX redemptions_of_order ON redemptions (order_id);
CREATE INDEX redemptions_to_settle ON redemptions (settle_expires_at) WHERE status = 'PENDING';
COMMENT ON TABLE redemptions IS 'Uses of vouchers';
COMMENT ON COLUMN redemptions.merchant_id IS 'Merchant of the campaign';
COMMENT ON COLUMN redemptions.id IS 'Id of the redemption';
COMMENT ON COLUMN redemptions.campaign_id IS 'Campaign of the voucher';
COMMENT ON COLUMN redemptions.voucher_id IS 'Voucher';
COMMENT ON COLUMN redemptions.user_id IS 'Holder of the voucher';
COMMENT ON COLUMN redemptions.order_id IS 'Key of the order; null without one, at the till';
COMMENT ON COLUMN redemptions.order_amount IS 'Amount of the order in the smallest unit';
COMMENT ON COLUMN redemptions.used IS 'Value used for the order, in the smallest unit';
COMMENT ON COLUMN redemptions.refunded IS 'Surplus that goes to the merchant, in the smallest unit';
COMMENT ON COLUMN redemptions.returned IS 'Value returned to the voucher, in the smallest unit';
COMMENT ON COLUMN redemptions.price_share IS 'Part of the price that it earns the merchant, in the smallest unit; 0 for a free voucher';
COMMENT ON COLUMN redemptions.price_returned IS 'Part of the price share that was returned, in the smallest unit';
COMMENT ON COLUMN redemptions.status IS 'State';
COMMENT ON COLUMN redemptions.redeemed_by IS 'Caller who redeemed it';
COMMENT ON COLUMN redemptions.redeemed_at IS 'Time of the redemption';
COMMENT ON COLUMN redemptions.settle_expires_at IS 'Time it is voided if not settled; null once it has ended';
COMMENT ON COLUMN redemptions.ended_at IS 'Time it was settled or voided; null while pending';
COMMENT ON COLUMN redemptions.transaction_id IS 'Posting of the settlement; null before it';
COMMENT ON COLUMN redemptions.version IS 'Number of its events';

CREATE TABLE user_redemptions (
    user_id uuid NOT NULL,
    redemption_id uuid NOT NULL,
    merchant_id uuid NOT NULL,
    redeemed_at timestamptz NOT NULL,
    CONSTRAINT user_redemptions_pkey PRIMARY KEY (user_id, redemption_id)
);
CREATE INDEX user_redemptions_newest ON user_redemptions (user_id, redeemed_at, redemption_id);
COMMENT ON TABLE user_redemptions IS 'Redemptions by the holders of their vouchers, for reads by the person';
COMMENT ON COLUMN user_redemptions.user_id IS 'Holder';
COMMENT ON COLUMN user_redemptions.redemption_id IS 'Redemption';
COMMENT ON COLUMN user_redemptions.merchant_id IS 'Merchant of the campaign';
COMMENT ON COLUMN user_redemptions.redeemed_at IS 'Time of the redemption';

GRANT SELECT, INSERT ON campaign_users, user_vouchers, orders, redemptions, user_redemptions TO goodgo_app;
GRANT UPDATE (acquired) ON campaign_users TO goodgo_app;
GRANT UPDATE (expires_at, status) ON user_vouchers TO goodgo_app;
GRANT UPDATE (currency, amount, covered) ON orders TO goodgo_app;
GRANT UPDATE (returned, price_returned, status, settle_expires_at, ended_at, transaction_id, version) ON redemptions TO goodgo_app;
