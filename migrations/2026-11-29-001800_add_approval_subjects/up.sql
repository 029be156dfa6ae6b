-- All owners an approval is about, so that none of them decides, in whatever capacity.

ALTER TABLE approvals
    ADD COLUMN subjects jsonb NOT NULL DEFAULT '[]',
    ADD CONSTRAINT approvals_subjects_list CHECK (jsonb_typeof(subjects) = 'array');
COMMENT ON COLUMN approvals.subject IS 'First person the command is about; null without one';
COMMENT ON COLUMN approvals.subjects IS 'Owners the command is about, by kind and id, who may not decide; empty before this column, when subject counts';
UPDATE approvals SET subjects = jsonb_build_array(jsonb_build_object('kind', 'USER', 'id', subject)) WHERE subject IS NOT NULL;
