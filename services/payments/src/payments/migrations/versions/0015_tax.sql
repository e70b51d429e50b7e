-- `tax` is a part of `total` and of an item's `amount`, whether prices are told with it or without.
ALTER TABLE bill ADD COLUMN tax numeric(18, 4) NOT NULL DEFAULT 0;
ALTER TABLE bill ADD CONSTRAINT bill_tax CHECK (tax >= 0 AND tax < total AND exact(tax, currency));
ALTER TABLE bill_item ADD COLUMN tax numeric(18, 4) NOT NULL DEFAULT 0 CHECK (tax >= 0);
ALTER TABLE bill_item ADD COLUMN tax_percent numeric(7, 4) NOT NULL DEFAULT 0 CHECK (tax_percent BETWEEN 0 AND 100);
-- What a credit note takes back of its bill's tax.
ALTER TABLE credit ADD COLUMN tax numeric(18, 4) NOT NULL DEFAULT 0;
ALTER TABLE credit ADD CONSTRAINT credit_tax CHECK (tax >= 0 AND tax <= amount AND exact(tax, currency) AND (tax = 0 OR kind = 'credit_note'));
ALTER TABLE proforma ADD COLUMN tax numeric(18, 4) NOT NULL DEFAULT 0;
ALTER TABLE proforma ADD COLUMN tax_percent numeric(7, 4) NOT NULL DEFAULT 0;

ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_account_check;
ALTER TABLE ledger_entry ADD CONSTRAINT ledger_entry_account_check CHECK (account IN (
    'receivable', 'credit', 'cash', 'revenue', 'tax', 'bad_debt', 'commission', 'commission_due', 'cash_over_short'));
-- What a declaration adds up.
CREATE INDEX ledger_entry_tax ON ledger_entry (transaction_id) WHERE account = 'tax';
