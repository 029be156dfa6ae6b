-- A session that is not claimed holds no streak: what was due before it is due again.
ALTER TABLE miners ADD COLUMN previous_since timestamptz, ADD COLUMN previous_due_at timestamptz,
    ADD CONSTRAINT miners_previous_due_whole CHECK ((previous_since IS NULL) = (previous_due_at IS NULL)) NOT VALID;
COMMENT ON COLUMN miners.previous_since IS 'The streak_since of before the newest session, which counts again if that is not claimed';
COMMENT ON COLUMN miners.previous_due_at IS 'The streak_due_at of before the newest session, later by the days bought off or lost when that began';
