-- When a tax was booked, beside it: the taxes of a day are read over one index, however much else was booked
-- on it. The time is that of the transaction, which the same moment writes; no entry is changed otherwise.
ALTER TABLE ledger_entry ADD COLUMN taxed_at timestamptz;
ALTER TABLE ledger_entry DISABLE TRIGGER ledger_entry_append_only;
UPDATE ledger_entry e SET taxed_at = t.recorded_at FROM ledger_transaction t WHERE t.id = e.transaction_id AND e.account = 'tax';
ALTER TABLE ledger_entry ENABLE TRIGGER ledger_entry_append_only;
ALTER TABLE ledger_entry ADD CONSTRAINT ledger_entry_taxed_at CHECK ((account = 'tax') = (taxed_at IS NOT NULL));
DROP INDEX ledger_entry_tax;
CREATE INDEX ledger_entry_tax ON ledger_entry (taxed_at) INCLUDE (customer_id, amount) WHERE account = 'tax';
