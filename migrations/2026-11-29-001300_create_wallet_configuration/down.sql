DROP FUNCTION set_currency, currency_is_used;
DELETE FROM configurations WHERE section = 'wallet';
ALTER TABLE configurations DROP CONSTRAINT configurations_section_known;
ALTER TABLE configurations ADD CONSTRAINT configurations_section_known
    CHECK (section IN ('mining', 'streak', 'referral'));
