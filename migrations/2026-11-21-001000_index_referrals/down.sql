DROP INDEX referrals_referrer_created;
DROP INDEX referrals_created_at;
