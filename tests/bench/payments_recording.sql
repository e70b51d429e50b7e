-- What recording one payment leaves behind, as plain statements: each client has customers of its own.
\set turn :turn + 1
\set customer :first + :client_id * :each + :turn - 1
\set operator 2 + :client_id
SELECT gen_random_uuid() AS payment, gen_random_uuid() AS posting, gen_random_uuid() AS matching, gen_random_uuid() AS logged,
    CAST('00000000-0000-7000-8000-' || lpad(to_hex(CAST(:customer AS bigint)), 12, '0') AS text) AS payer,
    CAST('00000000-0000-7000-8003-' || lpad(to_hex(CAST(:customer AS bigint)), 12, '0') AS text) AS bill,
    CAST('00000000-0000-0000-0000-' || lpad(to_hex(CAST(:operator AS bigint)), 12, '0') AS text) AS cashier \gset
BEGIN;
INSERT INTO idempotency (principal, key, route, fingerprint, subject, status, headers, body)
    VALUES ('reseller:' || CAST(:cashier AS text), CAST(:payment AS text), 'POST /v1/payments', encode(sha256(CAST(:payment AS bytea)), 'hex'), CAST(:payer AS uuid), 201,
    jsonb_build_object('ETag', '"2"', 'Location', '/v1/payments/' || CAST(:payment AS text)),
    jsonb_build_object('id', CAST(:payment AS text), 'customer_id', CAST(:payer AS text), 'customer_name', 'Rahim Uddin', 'username', 'user1', 'amount', jsonb_build_object('amount', '500.00', 'currency', 'BDT'), 'refunded', jsonb_build_object('amount', '0.00', 'currency', 'BDT'), 'method', 'cash', 'recorded_at', now(), 'paid_at', now(), 'settled_at', NULL, 'operator_id', CAST(:cashier AS text), 'operator_name', 'Reseller', 'gateway', NULL, 'transaction_reference', NULL, 'note', 'paid at the counter', 'status', 'recorded', 'receipt_number', 'RESELLER-2026-00001', 'voided_at', NULL, 'version', 2));
SELECT customer_id, version FROM account WHERE customer_id = CAST(:payer AS uuid) FOR UPDATE;
INSERT INTO numbering (kind, series, last) VALUES ('bench', CAST(:cashier AS text), 1)
    ON CONFLICT (kind, series) DO UPDATE SET last = numbering.last + 1;
INSERT INTO payment (id, customer_id, operator_path, amount, allocated, currency, method, note, paid_at, operator_id, operator_name, receipt_number, version)
    VALUES (CAST(:payment AS uuid), CAST(:payer AS uuid), '1/2/', 500, 500, 'BDT', 'cash', 'paid at the counter', now(), CAST(:cashier AS uuid), 'Reseller', 'F-' || CAST(:payment AS text), 2);
INSERT INTO ledger_transaction (id, customer_id, kind, payment_id, currency, actor_id, effective_at)
    VALUES (CAST(:posting AS uuid), CAST(:payer AS uuid), 'payment', CAST(:payment AS uuid), 'BDT', CAST(:cashier AS uuid), now()),
    (CAST(:matching AS uuid), CAST(:payer AS uuid), 'allocation', NULL, 'BDT', CAST(:cashier AS uuid), now());
INSERT INTO ledger_entry (transaction_id, line, customer_id, account, amount, holder, method)
    VALUES (CAST(:posting AS uuid), 1, CAST(:payer AS uuid), 'cash', 500, CAST(:cashier AS uuid), 'cash'), (CAST(:posting AS uuid), 2, CAST(:payer AS uuid), 'credit', -500, NULL, NULL),
    (CAST(:matching AS uuid), 1, CAST(:payer AS uuid), 'credit', 500, NULL, NULL), (CAST(:matching AS uuid), 2, CAST(:payer AS uuid), 'receivable', -500, NULL, NULL);
INSERT INTO allocation (payment_id, bill_id, amount) VALUES (CAST(:payment AS uuid), CAST(:bill AS uuid), 500);
UPDATE bill SET paid = paid + 500, version = version + 1, status = 'paid' WHERE id = CAST(:bill AS uuid);
UPDATE account SET version = version + 3, billed = 500, paid = 500, outstanding = 0 WHERE customer_id = CAST(:payer AS uuid);
INSERT INTO operation (id, actor, actor_id, action, subject_kind, subject, operator_path, ip, request_id, detail_digest)
    VALUES (CAST(:logged AS uuid), 'reseller', CAST(:cashier AS uuid), 'payment.recorded', 'customer', CAST(:payer AS uuid), '1/2/', '127.0.0.1', '0123456789abcdef', encode(sha256(CAST(:logged AS bytea)), 'hex'));
INSERT INTO operation_detail (operation_id, subject, salt, after)
    VALUES (CAST(:logged AS uuid), CAST(:payer AS uuid), replace(CAST(:logged AS text), '-', ''), jsonb_build_object('payment_id', CAST(:payment AS text), 'receipt_number', 'RESELLER-2026-00001', 'amount', '500.0000', 'currency', 'BDT', 'method', 'cash', 'note', 'paid at the counter'));
WITH told AS (INSERT INTO outbox (id, type, subject, sequence, operator_path, actor, request_id, data)
    VALUES (gen_random_uuid(), 'payment.recorded', CAST(:payer AS uuid), 1, '1/2/', 'reseller', '0123456789abcdef', jsonb_build_object('payment_id', CAST(:payment AS text), 'amount', '500.00', 'currency', 'BDT', 'method', 'cash')),
    (gen_random_uuid(), 'bill.paid', CAST(:payer AS uuid), 2, '1/2/', 'reseller', '0123456789abcdef', jsonb_build_object('bill_id', CAST(:bill AS text), 'total', '500.00', 'currency', 'BDT', 'due_at', now())),
    (gen_random_uuid(), 'account.changed', CAST(:payer AS uuid), 3, '1/2/', 'reseller', '0123456789abcdef', jsonb_build_object('currency', 'BDT', 'billed', '500.00', 'paid', '500.00', 'outstanding', '0.00', 'overdue', false, 'overdue_amount', '0.00', 'available_funds', '0.00', 'payment_frozen', false))
    RETURNING position, id, type)
INSERT INTO outbox_unsent SELECT position, id FROM told WHERE type = 'account.changed';
COMMIT;
