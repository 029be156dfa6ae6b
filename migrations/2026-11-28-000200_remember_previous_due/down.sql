ALTER TABLE miners DROP COLUMN previous_since, DROP COLUMN previous_due_at;
