ALTER TABLE approvals DROP COLUMN subjects;
COMMENT ON COLUMN approvals.subject IS 'Person the command is about, who may not decide';
