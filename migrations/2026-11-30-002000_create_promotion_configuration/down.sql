DELETE FROM configurations WHERE section = 'promotion';
ALTER TABLE configurations DROP CONSTRAINT configurations_section_known;
ALTER TABLE configurations ADD CONSTRAINT configurations_section_known
    CHECK (section IN ('mining', 'streak', 'referral', 'wallet'));
