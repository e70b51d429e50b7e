-- What a customer was sent to a gateway to pay: written before the gateway is called, so that a crash
-- in between leaves a row that the poller resolves.
CREATE TABLE payment_intent (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL,
    operator_path text COLLATE "C" NOT NULL,
    gateway text NOT NULL CHECK (gateway IN ('bkash', 'nagad', 'sslcommerz', 'stripe')),
    amount numeric(18, 4) NOT NULL,
    currency text NOT NULL,
    state text NOT NULL DEFAULT 'created' CHECK (state IN ('created', 'pending', 'succeeded', 'failed', 'expired', 'needs_review')),
    -- Our number at the gateway: 20 letters and digits, which the strictest of them takes (Nagad).
    reference text NOT NULL UNIQUE,
    -- The gateway's own id of this checkout.
    gateway_session text,
    redirect_url text,
    return_url text,
    -- The caller and the Idempotency-Key, of which there is one intent.
    request_key text UNIQUE,
    failure text,
    payment_id uuid,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    finished_at timestamptz,
    -- When the gateway is asked next, and how often it was; null when nothing is expected any more.
    next_check_at timestamptz DEFAULT now(),
    checks int NOT NULL DEFAULT 0,
    asked_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    CHECK (amount > 0 AND exact(amount, currency))
);
CREATE INDEX payment_intent_due ON payment_intent (gateway, next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX payment_intent_listed ON payment_intent (created_at, id);
CREATE INDEX payment_intent_of_branch ON payment_intent (operator_path, created_at, id);
CREATE INDEX payment_intent_of_customer ON payment_intent (customer_id, created_at, id);
CREATE INDEX payment_intent_by_state ON payment_intent (state, created_at, id) WHERE state <> 'succeeded';
CREATE INDEX payment_intent_session ON payment_intent (gateway, gateway_session) WHERE gateway_session IS NOT NULL;

-- Every request that reached /v1/webhooks, as it came. `operator_path` is '' until it is known whose it is.
CREATE TABLE webhook_delivery (
    id uuid PRIMARY KEY,
    gateway text NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    source_address text,
    headers jsonb,
    body bytea,
    verdict text CHECK (verdict IN ('genuine', 'unsigned', 'forged')),
    state text NOT NULL DEFAULT 'received' CHECK (state IN ('received', 'processed', 'ignored', 'failed', 'refused')),
    outcome text,
    event_id text,
    repeats int NOT NULL DEFAULT 0,
    intent_id uuid,
    customer_id uuid,
    operator_path text COLLATE "C" NOT NULL DEFAULT '',
    attempts int NOT NULL DEFAULT 0,
    next_at timestamptz DEFAULT clock_timestamp(),
    processed_at timestamptz,
    version bigint NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX webhook_delivery_event ON webhook_delivery (gateway, event_id) WHERE event_id IS NOT NULL;
CREATE INDEX webhook_delivery_due ON webhook_delivery (gateway, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX webhook_delivery_listed ON webhook_delivery (received_at, id);
CREATE INDEX webhook_delivery_of_branch ON webhook_delivery (operator_path, received_at, id);
CREATE INDEX webhook_delivery_by_state ON webhook_delivery (state, received_at, id) WHERE state <> 'processed';
CREATE INDEX webhook_delivery_of_customer ON webhook_delivery (customer_id, received_at, id) WHERE customer_id IS NOT NULL;
CREATE INDEX webhook_delivery_of_intent ON webhook_delivery (intent_id, received_at, id) WHERE intent_id IS NOT NULL;
CREATE INDEX webhook_delivery_by_verdict ON webhook_delivery (verdict, received_at, id) WHERE verdict <> 'genuine';
CREATE INDEX webhook_delivery_forged ON webhook_delivery (source_address, received_at) WHERE verdict = 'forged';

-- The claim: a transaction of a gateway is dealt with once, by whoever inserts this row first.
CREATE TABLE gateway_transaction (
    gateway text NOT NULL,
    transaction text NOT NULL,
    intent_id uuid,
    customer_id uuid,
    operator_path text COLLATE "C" NOT NULL DEFAULT '',
    amount numeric(18, 4) NOT NULL,
    currency text NOT NULL,
    source text NOT NULL CHECK (source IN ('webhook', 'return', 'poll', 'settlement', 'manual')),
    payment_id uuid,
    -- When the gateway's word reached us, and when the money was in the books.
    received_at timestamptz NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    credited_at timestamptz,
    PRIMARY KEY (gateway, transaction)
);
CREATE INDEX gateway_transaction_of_customer ON gateway_transaction (customer_id) WHERE customer_id IS NOT NULL;
CREATE INDEX gateway_transaction_of_payment ON gateway_transaction (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX gateway_transaction_credited ON gateway_transaction (credited_at) WHERE credited_at IS NOT NULL;

-- Money at a gateway that may not be booked by itself; somebody decides.
CREATE TABLE payment_review (
    id uuid PRIMARY KEY,
    gateway text NOT NULL,
    transaction text NOT NULL,
    intent_id uuid,
    customer_id uuid,
    operator_path text COLLATE "C" NOT NULL DEFAULT '',
    amount numeric(18, 4) NOT NULL,
    currency text NOT NULL,
    expected_amount numeric(18, 4),
    expected_currency text,
    paid_at timestamptz NOT NULL,
    cause text NOT NULL CHECK (cause IN ('unknown_intent', 'wrong_amount', 'wrong_currency', 'risk', 'second_payment', 'recorded_by_hand', 'erased_customer', 'refused')),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'approved', 'rejected')),
    opened_at timestamptz NOT NULL DEFAULT now(),
    decided_at timestamptz,
    decided_by text,
    decision_reason text,
    payment_id uuid,
    version bigint NOT NULL DEFAULT 1,
    UNIQUE (gateway, transaction)
);
CREATE INDEX payment_review_listed ON payment_review (opened_at, id);
CREATE INDEX payment_review_open ON payment_review (opened_at, id) WHERE state = 'open';
CREATE INDEX payment_review_of_branch ON payment_review (operator_path, opened_at, id);
CREATE INDEX payment_review_of_customer ON payment_review (customer_id) WHERE customer_id IS NOT NULL;

-- Money that is to go back through its gateway; the books have it given back already.
CREATE TABLE gateway_refund (
    id uuid PRIMARY KEY,
    gateway text NOT NULL,
    transaction text NOT NULL,
    -- The gateway's checkout, as long as it is needed.
    gateway_session text,
    payment_id uuid,
    review_id uuid,
    customer_id uuid,
    operator_path text COLLATE "C" NOT NULL DEFAULT '',
    amount numeric(18, 4) NOT NULL,
    currency text NOT NULL,
    reason text,
    state text NOT NULL DEFAULT 'refund_pending' CHECK (state IN ('refund_pending', 'refunded', 'failed')),
    -- What the gateway calls it, once it was asked.
    gateway_reference text,
    error text,
    requested_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    attempts int NOT NULL DEFAULT 0,
    next_at timestamptz DEFAULT now(),
    version bigint NOT NULL DEFAULT 1,
    CHECK (amount > 0 AND exact(amount, currency)),
    CHECK (num_nonnulls(payment_id, review_id) = 1)
);
CREATE INDEX gateway_refund_due ON gateway_refund (gateway, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX gateway_refund_listed ON gateway_refund (created_at, id);
CREATE INDEX gateway_refund_of_branch ON gateway_refund (operator_path, created_at, id);
CREATE INDEX gateway_refund_by_state ON gateway_refund (state, created_at, id) WHERE state <> 'refunded';
CREATE INDEX gateway_refund_of_payment ON gateway_refund (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX gateway_refund_of_customer ON gateway_refund (customer_id) WHERE customer_id IS NOT NULL;

-- A gateway's access token, sealed: bKash grants few an hour, so every process shares one.
CREATE TABLE gateway_token (
    gateway text PRIMARY KEY,
    sealed text NOT NULL,
    expires_at timestamptz NOT NULL
);
