-- Referrals are listed newest first: all of them, and those of each referrer.
CREATE INDEX referrals_created_at ON referrals (created_at, id);
CREATE INDEX referrals_referrer_created ON referrals (referrer_id, created_at, id);
