-- Withdrawals (docs/LEDGER.md).

CREATE TABLE withdrawals (
    owner_id uuid NOT NULL,
    id uuid NOT NULL,
    owner_kind text NOT NULL,
    currency smallint NOT NULL,
    amount bigint NOT NULL,
    hold_id uuid NOT NULL,
    destination text NOT NULL,
    issuer text NOT NULL,
    external_id text,
    metadata jsonb NOT NULL,
    status text NOT NULL,
    requested_at timestamptz NOT NULL,
    processed_at timestamptz,
    ended_at timestamptz,
    failure_reason text,
    payout_provider text,
    payout_reference text,
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    version bigint NOT NULL,
    CONSTRAINT withdrawals_pkey PRIMARY KEY (owner_id, id),
    CONSTRAINT withdrawals_hold_key UNIQUE (owner_id, hold_id),
    CONSTRAINT withdrawals_external_key UNIQUE (owner_id, owner_kind, issuer, external_id),
    CONSTRAINT withdrawals_hold_fkey FOREIGN KEY (owner_id, hold_id) REFERENCES holds (owner_id, id),
    CONSTRAINT withdrawals_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (number),
    CONSTRAINT withdrawals_owner_kind_known CHECK (owner_kind IN ('USER', 'MERCHANT', 'ADVERTISER')),
    CONSTRAINT withdrawals_amount_positive CHECK (amount > 0),
    CONSTRAINT withdrawals_status_known CHECK (status IN ('REQUESTED', 'PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED')),
    CONSTRAINT withdrawals_ended_in_final_states CHECK ((status IN ('REQUESTED', 'PROCESSING')) = (ended_at IS NULL)),
    CONSTRAINT withdrawals_processed_has_time CHECK (status NOT IN ('PROCESSING', 'COMPLETED') OR processed_at IS NOT NULL),
    CONSTRAINT withdrawals_failure_has_reason CHECK ((status = 'FAILED') = (failure_reason IS NOT NULL)),
    CONSTRAINT withdrawals_completed_has_payout CHECK ((status = 'COMPLETED') = (payout_provider IS NOT NULL)),
    CONSTRAINT withdrawals_payout_whole CHECK ((payout_provider IS NULL) = (payout_reference IS NULL)),
    CONSTRAINT withdrawals_attempts_in_processing CHECK (next_attempt_at IS NULL OR status = 'PROCESSING')
);
CREATE INDEX withdrawals_newest ON withdrawals (requested_at, id);
CREATE INDEX withdrawals_of_owner ON withdrawals (owner_id, owner_kind, requested_at, id);
CREATE INDEX withdrawals_status ON withdrawals (status, requested_at, id);
CREATE INDEX withdrawals_due ON withdrawals (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
CREATE INDEX withdrawals_uuid ON withdrawals (id);
COMMENT ON TABLE withdrawals IS 'Payments out of the platform, held until they end';
COMMENT ON COLUMN withdrawals.owner_id IS 'Owner of the wallet';
COMMENT ON COLUMN withdrawals.id IS 'Id of the withdrawal';
COMMENT ON COLUMN withdrawals.owner_kind IS 'Kind of the owner';
COMMENT ON COLUMN withdrawals.currency IS 'Number of the currency';
COMMENT ON COLUMN withdrawals.amount IS 'Amount in the smallest unit';
COMMENT ON COLUMN withdrawals.hold_id IS 'Hold of the amount';
COMMENT ON COLUMN withdrawals.destination IS 'Account or address to pay to, in the provider''s notation';
COMMENT ON COLUMN withdrawals.issuer IS 'Name of the service that requested it; wallets for people';
COMMENT ON COLUMN withdrawals.external_id IS 'Key given by the caller, unique per issuer and owner; null without one';
COMMENT ON COLUMN withdrawals.metadata IS 'Notes of the caller: pairs of texts';
COMMENT ON COLUMN withdrawals.status IS 'State';
COMMENT ON COLUMN withdrawals.requested_at IS 'Time of the request';
COMMENT ON COLUMN withdrawals.processed_at IS 'Time processing began; null before that';
COMMENT ON COLUMN withdrawals.ended_at IS 'Time it was completed, failed or cancelled; null before that';
COMMENT ON COLUMN withdrawals.failure_reason IS 'Reason of the failure; null unless failed';
COMMENT ON COLUMN withdrawals.payout_provider IS 'Provider of the payment; null unless completed';
COMMENT ON COLUMN withdrawals.payout_reference IS 'Key of the payment at the provider; null unless completed';
COMMENT ON COLUMN withdrawals.attempts IS 'Number of times the provider gave no clear answer';
COMMENT ON COLUMN withdrawals.next_attempt_at IS 'Time at which the provider is asked next; null when it need not be asked';
COMMENT ON COLUMN withdrawals.version IS 'Number of its events';

GRANT SELECT, INSERT ON withdrawals TO goodgo_app;
GRANT UPDATE (status, processed_at, ended_at, failure_reason, payout_provider, payout_reference, attempts, next_attempt_at, version)
    ON withdrawals TO goodgo_app;
