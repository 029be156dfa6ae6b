ALTER TABLE withdrawals DROP COLUMN requested_by;
