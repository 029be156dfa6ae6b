-- Conversions, rates, and the counted balances of the conversion accounts (docs/LEDGER.md).

CREATE TABLE rate_snapshots (
    id uuid NOT NULL,
    from_currency smallint NOT NULL,
    to_currency smallint NOT NULL,
    rate text NOT NULL,
    observed_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    issuer text NOT NULL,
    actor text NOT NULL,
    status text NOT NULL,
    decided_by uuid,
    CONSTRAINT rate_snapshots_pkey PRIMARY KEY (id),
    CONSTRAINT rate_snapshots_time_key UNIQUE (from_currency, to_currency, observed_at),
    CONSTRAINT rate_snapshots_from_fkey FOREIGN KEY (from_currency) REFERENCES currencies (number),
    CONSTRAINT rate_snapshots_to_fkey FOREIGN KEY (to_currency) REFERENCES currencies (number),
    CONSTRAINT rate_snapshots_two_currencies CHECK (from_currency <> to_currency),
    CONSTRAINT rate_snapshots_rate_positive CHECK (rate ~ '^[0-9]{1,28}(\.[0-9]{1,12})?$' AND rate::numeric > 0),
    CONSTRAINT rate_snapshots_status_known CHECK (status IN ('ACCEPTED', 'WAITING')),
    CONSTRAINT rate_snapshots_waiting_is_undecided CHECK (status = 'ACCEPTED' OR decided_by IS NULL)
);
CREATE INDEX rate_snapshots_in_use ON rate_snapshots (from_currency, to_currency, observed_at) WHERE status = 'ACCEPTED';
COMMENT ON TABLE rate_snapshots IS 'Recorded rates of pairs of currencies';
COMMENT ON COLUMN rate_snapshots.id IS 'Id of the rate';
COMMENT ON COLUMN rate_snapshots.from_currency IS 'Number of the currency that is given';
COMMENT ON COLUMN rate_snapshots.to_currency IS 'Number of the currency that is received';
COMMENT ON COLUMN rate_snapshots.rate IS 'Units of the currency received for one unit of the currency given, in decimal digits';
COMMENT ON COLUMN rate_snapshots.observed_at IS 'Time it was observed at its source';
COMMENT ON COLUMN rate_snapshots.recorded_at IS 'Time it was recorded';
COMMENT ON COLUMN rate_snapshots.issuer IS 'Issuer of the token of the caller who recorded it';
COMMENT ON COLUMN rate_snapshots.actor IS 'Subject of the token of the caller who recorded it';
COMMENT ON COLUMN rate_snapshots.status IS 'Whether it can be used';
COMMENT ON COLUMN rate_snapshots.decided_by IS 'Person who accepted it; null unless it had jumped';

CREATE TABLE conversions (
    owner_id uuid NOT NULL,
    id uuid NOT NULL,
    issuer text NOT NULL,
    external_id text,
    metadata jsonb NOT NULL,
    from_currency smallint NOT NULL,
    to_currency smallint NOT NULL,
    given bigint NOT NULL,
    gross bigint NOT NULL,
    received bigint NOT NULL,
    fee_bps integer NOT NULL,
    rate_id uuid,
    rate_version integer,
    created_at timestamptz NOT NULL,
    transaction_id uuid NOT NULL,
    CONSTRAINT conversions_pkey PRIMARY KEY (owner_id, id),
    CONSTRAINT conversions_external_key UNIQUE (owner_id, issuer, external_id),
    CONSTRAINT conversions_from_fkey FOREIGN KEY (from_currency) REFERENCES currencies (number),
    CONSTRAINT conversions_to_fkey FOREIGN KEY (to_currency) REFERENCES currencies (number),
    CONSTRAINT conversions_rate_fkey FOREIGN KEY (rate_id) REFERENCES rate_snapshots (id),
    CONSTRAINT conversions_one_rate CHECK ((rate_id IS NULL) <> (rate_version IS NULL)),
    CONSTRAINT conversions_two_currencies CHECK (from_currency <> to_currency),
    CONSTRAINT conversions_amounts_positive CHECK (given > 0 AND received > 0),
    CONSTRAINT conversions_fee_not_negative CHECK (gross >= received),
    CONSTRAINT conversions_fee_bps_range CHECK (fee_bps BETWEEN 0 AND 10000)
);
CREATE INDEX conversions_newest ON conversions (created_at, id);
CREATE INDEX conversions_of_owner ON conversions (owner_id, created_at, id);
CREATE INDEX conversions_uuid ON conversions (id);
COMMENT ON TABLE conversions IS 'Exchanges between two wallets of a person';
COMMENT ON COLUMN conversions.owner_id IS 'The person';
COMMENT ON COLUMN conversions.id IS 'Id of the conversion';
COMMENT ON COLUMN conversions.issuer IS 'Name of the service that requested it; wallets for people';
COMMENT ON COLUMN conversions.external_id IS 'Key given by the caller, unique per issuer and person; null without one';
COMMENT ON COLUMN conversions.metadata IS 'Notes of the caller: pairs of texts';
COMMENT ON COLUMN conversions.from_currency IS 'Number of the currency given';
COMMENT ON COLUMN conversions.to_currency IS 'Number of the currency received';
COMMENT ON COLUMN conversions.given IS 'Amount given in the smallest unit';
COMMENT ON COLUMN conversions.gross IS 'Amount at the rate in the smallest unit, before the fee';
COMMENT ON COLUMN conversions.received IS 'Amount received in the smallest unit';
COMMENT ON COLUMN conversions.fee_bps IS 'Fee in hundredths of a percent of the result';
COMMENT ON COLUMN conversions.rate_id IS 'Recorded rate; null for a rate of the configuration';
COMMENT ON COLUMN conversions.rate_version IS 'Version of the section wallet whose rate was used; null for a recorded rate';
COMMENT ON COLUMN conversions.created_at IS 'Time of the conversion';
COMMENT ON COLUMN conversions.transaction_id IS 'Transaction of the ledger';

CREATE TABLE fx_positions (
    currency smallint NOT NULL,
    closed_until timestamptz NOT NULL,
    closed bigint NOT NULL,
    amount bigint NOT NULL,
    counted_at timestamptz NOT NULL,
    CONSTRAINT fx_positions_pkey PRIMARY KEY (currency),
    CONSTRAINT fx_positions_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (number)
);
COMMENT ON TABLE fx_positions IS 'Balances of the conversion accounts, counted each second';
COMMENT ON COLUMN fx_positions.currency IS 'Number of the currency';
COMMENT ON COLUMN fx_positions.closed_until IS 'Time until which transfers are summed once and for all';
COMMENT ON COLUMN fx_positions.closed IS 'Sum of these transfers in the smallest unit';
COMMENT ON COLUMN fx_positions.amount IS 'Balance at the last count in the smallest unit';
COMMENT ON COLUMN fx_positions.counted_at IS 'Time of the last count, by the clock of the machine';

GRANT SELECT, INSERT ON rate_snapshots, conversions, fx_positions TO goodgo_app;
GRANT UPDATE (status, decided_by) ON rate_snapshots TO goodgo_app;
GRANT UPDATE (closed_until, closed, amount, counted_at) ON fx_positions TO goodgo_app;
