ALTER TABLE withdrawals ADD COLUMN requested_by uuid;
COMMENT ON COLUMN withdrawals.requested_by IS 'Person who requested it, who may not decide about it; null for one that a service requested';
