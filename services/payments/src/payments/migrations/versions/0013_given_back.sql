-- Money that left at the gateway's own pages: each of its refunds and disputes is dealt with once.
CREATE UNIQUE INDEX gateway_refund_named ON gateway_refund (gateway, gateway_reference)
    WHERE gateway_reference IS NOT NULL AND state <> 'failed';

ALTER TABLE payment_review DROP CONSTRAINT payment_review_cause_check;
ALTER TABLE payment_review ADD CONSTRAINT payment_review_cause_check CHECK (cause IN (
    'unknown_intent', 'wrong_amount', 'wrong_currency', 'risk', 'second_payment', 'recorded_by_hand',
    'erased_customer', 'refused', 'disputed', 'refunded_elsewhere'));

-- When the gateway is asked next whether money of this payment has left there, and how often it was.
ALTER TABLE gateway_transaction ADD COLUMN next_look_at timestamptz;
ALTER TABLE gateway_transaction ADD COLUMN looks int NOT NULL DEFAULT 0;
CREATE INDEX gateway_transaction_look ON gateway_transaction (gateway, next_look_at) WHERE next_look_at IS NOT NULL;
