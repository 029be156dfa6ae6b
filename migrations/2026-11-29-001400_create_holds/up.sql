-- Holds, settlements and clearing accounts (docs/LEDGER.md).

CREATE TABLE holds (
    owner_id uuid NOT NULL,
    id uuid NOT NULL,
    owner_kind text NOT NULL,
    currency smallint NOT NULL,
    amount bigint NOT NULL,
    issuer text NOT NULL,
    reference_kind text NOT NULL,
    reference_id text NOT NULL,
    reason text NOT NULL,
    external_id text,
    metadata jsonb NOT NULL,
    status text NOT NULL,
    release_reason text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    ended_at timestamptz,
    version bigint NOT NULL,
    CONSTRAINT holds_pkey PRIMARY KEY (owner_id, id),
    CONSTRAINT holds_external_key UNIQUE (owner_id, owner_kind, issuer, external_id),
    -- The target of the settlements' foreign key: a settled hold stays settled.
    CONSTRAINT holds_status_key UNIQUE (owner_id, id, status),
    CONSTRAINT holds_owner_fkey FOREIGN KEY (owner_id, owner_kind) REFERENCES owners (owner_id, owner_kind),
    CONSTRAINT holds_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (number),
    CONSTRAINT holds_owner_kind_known CHECK (owner_kind IN ('USER', 'MERCHANT', 'ADVERTISER')),
    CONSTRAINT holds_amount_positive CHECK (amount > 0),
    CONSTRAINT holds_status_known CHECK (status IN ('HELD', 'RELEASED', 'SETTLED')),
    CONSTRAINT holds_release_reason_known CHECK (release_reason IN ('EXPIRY', 'ISSUER', 'WITHDRAWAL_ENDED')),
    CONSTRAINT holds_ended_when_not_held CHECK ((status = 'HELD') = (ended_at IS NULL)),
    CONSTRAINT holds_release_has_reason CHECK ((status = 'RELEASED') = (release_reason IS NOT NULL)),
    CONSTRAINT holds_expiry_after_start CHECK (expires_at > created_at)
);
CREATE INDEX holds_overdue ON holds (expires_at) WHERE status = 'HELD' AND expires_at IS NOT NULL;
CREATE INDEX holds_newest ON holds (created_at, id);
CREATE INDEX holds_of_owner ON holds (owner_id, owner_kind, created_at, id);
CREATE INDEX holds_of_issuer ON holds (issuer, created_at, id);
CREATE INDEX holds_reference ON holds (reference_kind, reference_id, created_at, id);
CREATE INDEX holds_uuid ON holds (id);
COMMENT ON TABLE holds IS 'Amounts reserved in wallets until they are released or settled, exactly once';
COMMENT ON COLUMN holds.owner_id IS 'Owner of the wallet';
COMMENT ON COLUMN holds.id IS 'Id of the hold';
COMMENT ON COLUMN holds.owner_kind IS 'Kind of the owner';
COMMENT ON COLUMN holds.currency IS 'Number of the currency';
COMMENT ON COLUMN holds.amount IS 'Amount in the smallest unit';
COMMENT ON COLUMN holds.issuer IS 'Name of the service that placed it; wallets for withdrawals';
COMMENT ON COLUMN holds.reference_kind IS 'Issuer and type of the service''s object, or kind of an object of the platform';
COMMENT ON COLUMN holds.reference_id IS 'Id of the object';
COMMENT ON COLUMN holds.reason IS 'Reason in the issuer''s words';
COMMENT ON COLUMN holds.external_id IS 'Key given by the issuer, unique per issuer and owner; null without one';
COMMENT ON COLUMN holds.metadata IS 'Notes of the issuer: pairs of texts';
COMMENT ON COLUMN holds.status IS 'State';
COMMENT ON COLUMN holds.release_reason IS 'Cause of the release; null unless released';
COMMENT ON COLUMN holds.created_at IS 'Time it was placed';
COMMENT ON COLUMN holds.expires_at IS 'Time from which it can only be released; null for those that do not expire';
COMMENT ON COLUMN holds.ended_at IS 'Time of release or settlement; null while held';
COMMENT ON COLUMN holds.version IS 'Number of its events';

CREATE TABLE settlements (
    owner_id uuid NOT NULL,
    id uuid NOT NULL,
    hold_id uuid NOT NULL,
    hold_status text NOT NULL DEFAULT 'SETTLED',
    owner_kind text NOT NULL,
    currency smallint NOT NULL,
    issuer text NOT NULL,
    outcome text NOT NULL,
    amount bigint NOT NULL,
    payouts jsonb NOT NULL,
    transaction_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT settlements_pkey PRIMARY KEY (owner_id, id),
    CONSTRAINT settlements_hold_key UNIQUE (owner_id, hold_id),
    CONSTRAINT settlements_hold_fkey FOREIGN KEY (owner_id, hold_id, hold_status) REFERENCES holds (owner_id, id, status),
    CONSTRAINT settlements_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (number),
    CONSTRAINT settlements_hold_is_settled CHECK (hold_status = 'SETTLED'),
    CONSTRAINT settlements_outcome_known CHECK (outcome IN ('LOSS', 'WIN')),
    CONSTRAINT settlements_amount_positive CHECK (amount > 0),
    CONSTRAINT settlements_win_pays CHECK ((outcome = 'WIN') = (jsonb_array_length(payouts) > 0))
);
CREATE INDEX settlements_newest ON settlements (created_at, id);
CREATE INDEX settlements_of_owner ON settlements (owner_id, owner_kind, created_at, id);
CREATE INDEX settlements_of_issuer ON settlements (issuer, created_at, id);
COMMENT ON TABLE settlements IS 'Final uses of holds, one per hold';
COMMENT ON COLUMN settlements.owner_id IS 'Owner of the hold''s wallet';
COMMENT ON COLUMN settlements.id IS 'Id of the settlement';
COMMENT ON COLUMN settlements.hold_id IS 'The settled hold';
COMMENT ON COLUMN settlements.hold_status IS 'SETTLED: part of the foreign key, so that the hold stays settled';
COMMENT ON COLUMN settlements.owner_kind IS 'Kind of the owner';
COMMENT ON COLUMN settlements.currency IS 'Number of the currency';
COMMENT ON COLUMN settlements.issuer IS 'Name of the service';
COMMENT ON COLUMN settlements.outcome IS 'Outcome for the hold''s owner';
COMMENT ON COLUMN settlements.amount IS 'Amount moved to the clearing account in the smallest unit; the rest of the hold was released';
COMMENT ON COLUMN settlements.payouts IS 'Amounts paid from the clearing account: kind and id of the owner, amount';
COMMENT ON COLUMN settlements.transaction_id IS 'Transaction of the ledger';
COMMENT ON COLUMN settlements.created_at IS 'Time of the settlement';

CREATE TABLE clearing_accounts (
    owner_id uuid NOT NULL,
    currency smallint NOT NULL,
    issuer text NOT NULL,
    reference_type text NOT NULL,
    reference_id text NOT NULL,
    opened_at timestamptz NOT NULL,
    open_since timestamptz,
    CONSTRAINT clearing_accounts_pkey PRIMARY KEY (owner_id, currency),
    CONSTRAINT clearing_accounts_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (number),
    CONSTRAINT clearing_accounts_type_form CHECK (reference_type ~ '^[a-z_]{1,40}$'),
    CONSTRAINT clearing_accounts_id_form CHECK (reference_id ~ '^[!-~]{1,128}$')
);
CREATE INDEX clearing_accounts_open ON clearing_accounts (open_since) WHERE open_since IS NOT NULL;
CREATE INDEX clearing_accounts_newest ON clearing_accounts (opened_at, owner_id);
CREATE INDEX clearing_accounts_of_issuer ON clearing_accounts (issuer, opened_at, owner_id);
COMMENT ON TABLE clearing_accounts IS 'References of the clearing accounts: the text behind the owner ids of their wallets';
COMMENT ON COLUMN clearing_accounts.owner_id IS 'Owner of the wallet: UUIDv5 of issuer, type and id';
COMMENT ON COLUMN clearing_accounts.currency IS 'Number of the currency';
COMMENT ON COLUMN clearing_accounts.issuer IS 'Name of the service';
COMMENT ON COLUMN clearing_accounts.reference_type IS 'Kind of object in the service''s own words';
COMMENT ON COLUMN clearing_accounts.reference_id IS 'Key of the object at the service';
COMMENT ON COLUMN clearing_accounts.opened_at IS 'Time of the first posting';
COMMENT ON COLUMN clearing_accounts.open_since IS 'Time since which it is not at zero; null at zero';

CREATE TABLE velocity_sums (
    owner_id uuid NOT NULL,
    owner_kind text NOT NULL,
    currency smallint NOT NULL,
    operation text NOT NULL,
    hour timestamptz NOT NULL,
    count integer NOT NULL,
    amount bigint NOT NULL,
    CONSTRAINT velocity_sums_pkey PRIMARY KEY (owner_id, owner_kind, currency, operation, hour),
    CONSTRAINT velocity_sums_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (number),
    CONSTRAINT velocity_sums_operation_known CHECK (operation IN ('CONVERSION', 'HOLD', 'WITHDRAWAL')),
    CONSTRAINT velocity_sums_not_negative CHECK (count >= 0 AND amount >= 0)
);
COMMENT ON TABLE velocity_sums IS 'Count and sum of each owner''s operations by hour, for velocity rules';
COMMENT ON COLUMN velocity_sums.owner_id IS 'Owner of the wallets';
COMMENT ON COLUMN velocity_sums.owner_kind IS 'Kind of the owner';
COMMENT ON COLUMN velocity_sums.currency IS 'Number of the currency';
COMMENT ON COLUMN velocity_sums.operation IS 'Kind of operation';
COMMENT ON COLUMN velocity_sums.hour IS 'Start of the hour';
COMMENT ON COLUMN velocity_sums.count IS 'Number of operations';
COMMENT ON COLUMN velocity_sums.amount IS 'Sum of their amounts in the smallest unit';

GRANT SELECT, INSERT ON holds, settlements, clearing_accounts, velocity_sums TO goodgo_app;
GRANT UPDATE (status, release_reason, expires_at, ended_at, version) ON holds TO goodgo_app;
GRANT UPDATE (open_since) ON clearing_accounts TO goodgo_app;
GRANT UPDATE (count, amount) ON velocity_sums TO goodgo_app;
