-- Freezes by cause, releases of clearing accounts, treasuries of rewards campaigns, rewards, transfers of the house,
-- reversals, and counts of issued amounts (docs/LEDGER.md).

ALTER TABLE owners
    ADD COLUMN freezes text[] NOT NULL DEFAULT '{}',
    ADD COLUMN version bigint NOT NULL DEFAULT 0;
UPDATE owners SET freezes = '{BAN}' WHERE is_frozen;
ALTER TABLE owners
    ADD CONSTRAINT owners_freezes_known CHECK (freezes <@ ARRAY['BAN', 'FINANCE']),
    ADD CONSTRAINT owners_frozen_for_a_cause CHECK (is_frozen = (cardinality(freezes) > 0));
COMMENT ON COLUMN owners.freezes IS 'Causes for which debits of all wallets are refused, each lifted by itself';
COMMENT ON COLUMN owners.version IS 'Number of its events';

CREATE TABLE clearing_releases (
    owner_id uuid NOT NULL,
    id uuid NOT NULL,
    currency smallint NOT NULL,
    amount bigint NOT NULL,
    payee_kind text,
    payee_id uuid,
    external_id text,
    reason text NOT NULL,
    transaction_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT clearing_releases_pkey PRIMARY KEY (owner_id, id),
    CONSTRAINT clearing_releases_external_key UNIQUE (owner_id, external_id),
    CONSTRAINT clearing_releases_account_fkey FOREIGN KEY (owner_id, currency) REFERENCES clearing_accounts (owner_id, currency),
    CONSTRAINT clearing_releases_amount_positive CHECK (amount > 0),
    CONSTRAINT clearing_releases_payee_kind_known CHECK (payee_kind IN ('USER', 'MERCHANT', 'ADVERTISER')),
    CONSTRAINT clearing_releases_payee_whole CHECK ((payee_kind IS NULL) = (payee_id IS NULL))
);
COMMENT ON TABLE clearing_releases IS 'Amounts paid from clearing accounts outside of settlements';
COMMENT ON COLUMN clearing_releases.owner_id IS 'Owner of the clearing account';
COMMENT ON COLUMN clearing_releases.id IS 'Id of the release';
COMMENT ON COLUMN clearing_releases.currency IS 'Number of the currency';
COMMENT ON COLUMN clearing_releases.amount IS 'Amount in the smallest unit';
COMMENT ON COLUMN clearing_releases.payee_kind IS 'Kind of the owner who was paid; null for the platform''s revenue';
COMMENT ON COLUMN clearing_releases.payee_id IS 'Owner who was paid; null for the platform''s revenue';
COMMENT ON COLUMN clearing_releases.external_id IS 'Key given by the caller, unique per account; null without one';
COMMENT ON COLUMN clearing_releases.reason IS 'Reason of the caller';
COMMENT ON COLUMN clearing_releases.transaction_id IS 'Transaction of the ledger';
COMMENT ON COLUMN clearing_releases.created_at IS 'Time of the release';

CREATE TABLE campaign_treasuries (
    owner_id uuid NOT NULL,
    currency smallint NOT NULL,
    issuer text NOT NULL,
    named_at timestamptz NOT NULL,
    CONSTRAINT campaign_treasuries_pkey PRIMARY KEY (owner_id, currency),
    CONSTRAINT campaign_treasuries_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (number)
);
COMMENT ON TABLE campaign_treasuries IS 'Services that may mint rewards from the treasuries of rewards campaigns';
COMMENT ON COLUMN campaign_treasuries.owner_id IS 'The rewards campaign, owner of the wallet';
COMMENT ON COLUMN campaign_treasuries.currency IS 'Number of the currency';
COMMENT ON COLUMN campaign_treasuries.issuer IS 'Name of the service, as the newest funding has it';
COMMENT ON COLUMN campaign_treasuries.named_at IS 'Time of the newest funding';

CREATE TABLE treasury_fundings (
    owner_id uuid NOT NULL,
    id uuid NOT NULL,
    currency smallint NOT NULL,
    amount bigint NOT NULL,
    issuer text NOT NULL,
    external_id text,
    reason text NOT NULL,
    transaction_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT treasury_fundings_pkey PRIMARY KEY (owner_id, id),
    CONSTRAINT treasury_fundings_external_key UNIQUE (owner_id, external_id),
    CONSTRAINT treasury_fundings_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (number),
    CONSTRAINT treasury_fundings_amount_positive CHECK (amount > 0)
);
COMMENT ON TABLE treasury_fundings IS 'Amounts that the platform''s treasury gave to those of rewards campaigns';
COMMENT ON COLUMN treasury_fundings.owner_id IS 'The rewards campaign, owner of the wallet';
COMMENT ON COLUMN treasury_fundings.id IS 'Id of the funding';
COMMENT ON COLUMN treasury_fundings.currency IS 'Number of the currency';
COMMENT ON COLUMN treasury_fundings.amount IS 'Amount in the smallest unit';
COMMENT ON COLUMN treasury_fundings.issuer IS 'Name of the service that may mint rewards from it';
COMMENT ON COLUMN treasury_fundings.external_id IS 'Key given by the caller, unique per campaign; null without one';
COMMENT ON COLUMN treasury_fundings.reason IS 'Reason of the caller';
COMMENT ON COLUMN treasury_fundings.transaction_id IS 'Transaction of the ledger';
COMMENT ON COLUMN treasury_fundings.created_at IS 'Time of the funding';

-- Kept for good: the key is what a reward is paid for.
CREATE TABLE rewards (
    owner_id uuid NOT NULL,
    user_id uuid NOT NULL,
    claim_reference text NOT NULL,
    id uuid NOT NULL,
    issuer text NOT NULL,
    currency smallint NOT NULL,
    amount bigint NOT NULL,
    transaction_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT rewards_pkey PRIMARY KEY (owner_id, user_id, claim_reference),
    CONSTRAINT rewards_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (number),
    CONSTRAINT rewards_amount_positive CHECK (amount > 0),
    CONSTRAINT rewards_claim_length CHECK (char_length(claim_reference) BETWEEN 1 AND 128)
);
COMMENT ON TABLE rewards IS 'Rewards paid from the treasuries of rewards campaigns, once per campaign, claimant and claim';
COMMENT ON COLUMN rewards.owner_id IS 'The rewards campaign, owner of the treasury';
COMMENT ON COLUMN rewards.user_id IS 'The claimant';
COMMENT ON COLUMN rewards.claim_reference IS 'Key of the claim';
COMMENT ON COLUMN rewards.id IS 'Id of the reward';
COMMENT ON COLUMN rewards.issuer IS 'Name of the service that minted it';
COMMENT ON COLUMN rewards.currency IS 'Number of the currency';
COMMENT ON COLUMN rewards.amount IS 'Amount in the smallest unit';
COMMENT ON COLUMN rewards.transaction_id IS 'Transaction of the ledger';
COMMENT ON COLUMN rewards.created_at IS 'Time of the reward';

CREATE TABLE house_transfers (
    reference text NOT NULL,
    from_kind text NOT NULL,
    to_kind text NOT NULL,
    currency smallint NOT NULL,
    amount bigint NOT NULL,
    reason text NOT NULL,
    transaction_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT house_transfers_pkey PRIMARY KEY (reference),
    CONSTRAINT house_transfers_currency_fkey FOREIGN KEY (currency) REFERENCES currencies (number),
    CONSTRAINT house_transfers_reference_length CHECK (char_length(reference) BETWEEN 1 AND 128),
    CONSTRAINT house_transfers_from_kind_known CHECK (from_kind IN ('EXTERNAL', 'FEES', 'FX', 'REVENUE', 'TREASURY')),
    CONSTRAINT house_transfers_to_kind_known CHECK (to_kind IN ('EXTERNAL', 'FEES', 'FX', 'REVENUE', 'TREASURY')),
    CONSTRAINT house_transfers_two_accounts CHECK (from_kind <> to_kind),
    CONSTRAINT house_transfers_amount_positive CHECK (amount > 0)
);
COMMENT ON TABLE house_transfers IS 'Transfers between accounts of the house; the external reference is used once';
COMMENT ON COLUMN house_transfers.reference IS 'External reference';
COMMENT ON COLUMN house_transfers.from_kind IS 'Account that gave the amount';
COMMENT ON COLUMN house_transfers.to_kind IS 'Account that received the amount';
COMMENT ON COLUMN house_transfers.currency IS 'Number of the currency';
COMMENT ON COLUMN house_transfers.amount IS 'Amount in the smallest unit';
COMMENT ON COLUMN house_transfers.reason IS 'Reason of the person who requested it';
COMMENT ON COLUMN house_transfers.transaction_id IS 'Transaction of the ledger';
COMMENT ON COLUMN house_transfers.created_at IS 'Time of the transfer';

CREATE TABLE reversals (
    owner_id uuid NOT NULL,
    transaction_id uuid NOT NULL,
    reversal_id uuid NOT NULL,
    reason text NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT reversals_pkey PRIMARY KEY (owner_id, transaction_id)
);
COMMENT ON TABLE reversals IS 'Transactions that were reversed, each once';
COMMENT ON COLUMN reversals.owner_id IS 'Home of the first transfer of the reversed transaction';
COMMENT ON COLUMN reversals.transaction_id IS 'The reversed transaction';
COMMENT ON COLUMN reversals.reversal_id IS 'The transaction that reversed it';
COMMENT ON COLUMN reversals.reason IS 'Reason of the person who requested it';
COMMENT ON COLUMN reversals.created_at IS 'Time of the reversal';

-- What lies further back than every open transaction is closed: a count reads only the transfers after that. No foreign
-- key, because an unused currency is deleted when its scale changes.
CREATE TABLE issuance_counts (
    currency smallint NOT NULL,
    counted_at timestamptz NOT NULL,
    issued bigint NOT NULL,
    treasury bigint NOT NULL,
    closed_at timestamptz NOT NULL,
    closed_mined bigint NOT NULL,
    closed_treasury bigint NOT NULL,
    opening_treasury bigint NOT NULL,
    CONSTRAINT issuance_counts_pkey PRIMARY KEY (currency)
);
COMMENT ON TABLE issuance_counts IS 'Amounts issued on the present UTC day, counted every second';
COMMENT ON COLUMN issuance_counts.currency IS 'Number of the currency';
COMMENT ON COLUMN issuance_counts.counted_at IS 'Time of the count';
COMMENT ON COLUMN issuance_counts.issued IS 'Amount issued on the UTC day of the count';
COMMENT ON COLUMN issuance_counts.treasury IS 'Balance of the treasury; negative for what it issued';
COMMENT ON COLUMN issuance_counts.closed_at IS 'Time before which nothing can be posted any more';
COMMENT ON COLUMN issuance_counts.closed_mined IS 'Amount mined on its UTC day before closed_at';
COMMENT ON COLUMN issuance_counts.closed_treasury IS 'Balance of the treasury at closed_at';
COMMENT ON COLUMN issuance_counts.opening_treasury IS 'Balance of the treasury at the start of the UTC day of closed_at';

GRANT UPDATE (freezes, version) ON owners TO goodgo_app;
GRANT SELECT, INSERT ON clearing_releases, campaign_treasuries, treasury_fundings, rewards, house_transfers, reversals,
    issuance_counts TO goodgo_app;
GRANT UPDATE (issuer, named_at) ON campaign_treasuries TO goodgo_app;
GRANT UPDATE (counted_at, issued, treasury, closed_at, closed_mined, closed_treasury, opening_treasury) ON issuance_counts TO goodgo_app;
