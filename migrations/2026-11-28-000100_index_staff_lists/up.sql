-- Staff look for what is rare: among a million who mine, the few who were banned. And for codes by how they begin, which an
-- index in the order of a language can't find.
CREATE INDEX miners_status_created ON miners (status, created_at, id) WHERE status <> 'ACTIVE';
CREATE INDEX miners_role_created ON miners (role, created_at, id) WHERE role IN ('AMBASSADOR', 'NODE_OPERATOR');
CREATE INDEX miners_referral_code_prefix ON miners (referral_code text_pattern_ops);
CREATE INDEX circles_status_created ON circles (status, created_at, id);
CREATE INDEX referrals_status_created ON referrals (status, created_at, id) WHERE status <> 'ACTIVE';
