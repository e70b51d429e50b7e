ALTER TABLE customer_fact ADD COLUMN auto_payment boolean NOT NULL DEFAULT false;

-- A customer's standing leave, kept at a gateway, to be charged without being asked again. The row is
-- written before the gateway is called, as a payment intent is.
CREATE TABLE payment_method (
    id uuid PRIMARY KEY,
    -- Null when the customer was erased and the gateway is still to be told.
    customer_id uuid,
    operator_path text COLLATE "C" NOT NULL,
    gateway text NOT NULL CHECK (gateway IN ('bkash', 'stripe')),
    state text NOT NULL DEFAULT 'created' CHECK (state IN ('created', 'pending', 'active', 'failed', 'removing', 'removed')),
    -- All that the gateway is told of the customer.
    reference text NOT NULL UNIQUE,
    gateway_session text,
    redirect_url text,
    return_url text,
    request_key text UNIQUE,
    -- The gateway's names for payer and method, of use only together with our own keys there; the number
    -- of a card or wallet never comes here but for its last four digits, in the label.
    payer text,
    token text,
    label text,
    failure text,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    finished_at timestamptz,
    -- When the gateway is asked next how the customer decided, or told to forget it.
    next_check_at timestamptz DEFAULT now(),
    checks int NOT NULL DEFAULT 0,
    asked_at timestamptz,
    -- When something is due that has not been tried yet.
    next_charge_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    CHECK (state <> 'active' OR token IS NOT NULL),
    CHECK (state <> 'removed' OR num_nonnulls(token, payer) = 0)
);
CREATE UNIQUE INDEX payment_method_active ON payment_method (customer_id) WHERE state = 'active';
CREATE INDEX payment_method_asking ON payment_method (gateway, next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX payment_method_charging ON payment_method (next_charge_at) WHERE state = 'active' AND next_charge_at IS NOT NULL;
CREATE INDEX payment_method_listed ON payment_method (created_at, id);
CREATE INDEX payment_method_of_branch ON payment_method (operator_path, created_at, id);
CREATE INDEX payment_method_of_customer ON payment_method (customer_id, created_at, id);
CREATE INDEX payment_method_by_state ON payment_method (state, created_at, id);

-- By which method it is taken; the others are paid by somebody on a gateway's page.
ALTER TABLE payment_intent ADD COLUMN method_id uuid;
CREATE INDEX payment_intent_charging ON payment_intent (method_id) WHERE method_id IS NOT NULL AND state IN ('created', 'pending');
