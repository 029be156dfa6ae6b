DROP INDEX referrals_status_created;
DROP INDEX circles_status_created;
DROP INDEX miners_referral_code_prefix;
DROP INDEX miners_role_created;
DROP INDEX miners_status_created;
