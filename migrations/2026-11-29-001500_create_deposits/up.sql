-- Deposits, and the directory of payments at providers (docs/LEDGER.md).

CREATE TABLE external_references (
    space text NOT NULL,
    provider text NOT NULL,
    reference text NOT NULL,
    owner_id uuid NOT NULL,
    object_id uuid NOT NULL,
    CONSTRAINT external_references_pkey PRIMARY KEY (reference, provider, space),
    CONSTRAINT external_references_space_known CHECK (space IN ('PAYMENT', 'PAYOUT')),
    CONSTRAINT external_references_provider_form CHECK (length(provider) BETWEEN 1 AND 64),
    CONSTRAINT external_references_reference_form CHECK (length(reference) BETWEEN 1 AND 128)
);
COMMENT ON TABLE external_references IS 'Directory: payments at providers, each used once, and the objects that they became';
COMMENT ON COLUMN external_references.space IS 'PAYMENT for deposits, PAYOUT for withdrawals';
COMMENT ON COLUMN external_references.provider IS 'Name of the provider';
COMMENT ON COLUMN external_references.reference IS 'Key of the payment at the provider';
COMMENT ON COLUMN external_references.owner_id IS 'Key of the object''s row: its owner';
COMMENT ON COLUMN external_references.object_id IS 'Id of the object';

CREATE TABLE deposits (
    owner_id uuid NOT NULL,
    id uuid NOT NULL,
    currency smallint NOT NULL,
    amount bigint NOT NULL,
    provider text NOT NULL,
    reference text NOT NULL,
    named_kind text,
    named_id uuid,
    credited_kind text,
    credited_id uuid,
    received_at timestamptz NOT NULL,
    credited_at timestamptz,
    transaction_id uuid NOT NULL,
    version bigint NOT NULL,
    CONSTRAINT deposits_pkey PRIMARY KEY (owner_id, id),
    CONSTRAINT deposits_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (number),
    CONSTRAINT deposits_amount_positive CHECK (amount > 0),
    CONSTRAINT deposits_named_whole CHECK ((named_kind IS NULL) = (named_id IS NULL)),
    CONSTRAINT deposits_credited_whole CHECK ((credited_kind IS NULL) = (credited_id IS NULL)),
    CONSTRAINT deposits_credited_has_time CHECK ((credited_id IS NULL) = (credited_at IS NULL)),
    CONSTRAINT deposits_named_kind_known CHECK (named_kind IN ('USER', 'MERCHANT', 'ADVERTISER')),
    CONSTRAINT deposits_credited_kind_known CHECK (credited_kind IN ('USER', 'MERCHANT', 'ADVERTISER')),
    -- A row stays where it was inserted: at its owner, or at nil for one that had none.
    CONSTRAINT deposits_home CHECK (owner_id = '00000000-0000-0000-0000-000000000000' OR owner_id = credited_id)
);
CREATE INDEX deposits_newest ON deposits (received_at, id);
CREATE INDEX deposits_credited ON deposits (credited_id, credited_kind, received_at, id);
CREATE INDEX deposits_payment ON deposits (provider, reference);
CREATE INDEX deposits_unmatched ON deposits (received_at, id) WHERE credited_id IS NULL;
CREATE INDEX deposits_uuid ON deposits (id);
COMMENT ON TABLE deposits IS 'Payments from outside, each credited once';
COMMENT ON COLUMN deposits.owner_id IS 'Owner credited at once; nil for a deposit that had no known owner';
COMMENT ON COLUMN deposits.id IS 'Id of the deposit';
COMMENT ON COLUMN deposits.currency IS 'Number of the currency';
COMMENT ON COLUMN deposits.amount IS 'Amount in the smallest unit';
COMMENT ON COLUMN deposits.provider IS 'Name of the provider';
COMMENT ON COLUMN deposits.reference IS 'Key of the payment at the provider';
COMMENT ON COLUMN deposits.named_kind IS 'Kind of the owner whom the payment named; null without one';
COMMENT ON COLUMN deposits.named_id IS 'Owner whom the payment named, also when nobody knew them';
COMMENT ON COLUMN deposits.credited_kind IS 'Kind of the credited owner; null while unmatched';
COMMENT ON COLUMN deposits.credited_id IS 'Credited owner; null while unmatched';
COMMENT ON COLUMN deposits.received_at IS 'Time it was recorded';
COMMENT ON COLUMN deposits.credited_at IS 'Time it reached the owner''s wallet; null while unmatched';
COMMENT ON COLUMN deposits.transaction_id IS 'Transaction of the ledger that recorded it';
COMMENT ON COLUMN deposits.version IS 'Number of its events';

CREATE TABLE deposit_sums (
    owner_id uuid NOT NULL,
    currency smallint NOT NULL,
    day date NOT NULL,
    amount bigint NOT NULL,
    CONSTRAINT deposit_sums_pkey PRIMARY KEY (owner_id, currency, day),
    CONSTRAINT deposit_sums_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (number),
    CONSTRAINT deposit_sums_not_negative CHECK (amount >= 0)
);
COMMENT ON TABLE deposit_sums IS 'Deposits of each service by UTC day, for its ceiling';
COMMENT ON COLUMN deposit_sums.owner_id IS 'The calling service';
COMMENT ON COLUMN deposit_sums.currency IS 'Number of the currency';
COMMENT ON COLUMN deposit_sums.day IS 'UTC day';
COMMENT ON COLUMN deposit_sums.amount IS 'Sum in the smallest unit';

GRANT SELECT, INSERT ON external_references, deposits, deposit_sums TO goodgo_app;
GRANT UPDATE (credited_kind, credited_id, credited_at, version) ON deposits TO goodgo_app;
GRANT UPDATE (amount) ON deposit_sums TO goodgo_app;
