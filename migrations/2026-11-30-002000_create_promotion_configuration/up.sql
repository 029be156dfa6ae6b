-- The section promotion of the configuration.
ALTER TABLE configurations DROP CONSTRAINT configurations_section_known;
ALTER TABLE configurations ADD CONSTRAINT configurations_section_known
    CHECK (section IN ('mining', 'streak', 'referral', 'wallet', 'promotion'));

INSERT INTO configurations (section, version, body, updated_at, updated_by, reason) VALUES
    ('promotion', 1, '{"codeGuessesPerHour": 20, "maxOpenCampaigns": 50, "maxPendingRedemptions": 10, "maxPriceMultiple": 10,
        "maxValidityDays": 1825, "maxVouchersPerCampaign": 100000, "maxVouchersPerDay": 500000, "priceLimits": [],
        "returnDays": 90, "returnGraceDays": 14, "settleHours": 72}', app_now(), 'system', 'default');
