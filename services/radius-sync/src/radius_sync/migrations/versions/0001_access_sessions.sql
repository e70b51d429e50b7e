-- Network access servers, the orders to end or change sessions, and what may touch radacct.

-- Not the stock table `nas`, which FreeRADIUS reads only at its start and which holds bare secrets.
CREATE TABLE nas_device (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    address inet NOT NULL UNIQUE,
    secret_sealed text NOT NULL,
    vendor text NOT NULL DEFAULT 'generic',
    coa_port int NOT NULL DEFAULT 3799 CHECK (coa_port BETWEEN 1 AND 65535),
    strategy text NOT NULL,
    in_flight int NOT NULL DEFAULT 32 CHECK (in_flight BETWEEN 1 AND 200),
    pacing double precision CHECK (pacing > 0),
    require_ma boolean NOT NULL DEFAULT true,
    require_ma_reply boolean NOT NULL DEFAULT false,
    walled_list text NOT NULL DEFAULT 'walled',
    open_list text NOT NULL DEFAULT 'open',
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- the breaker (radius_sync.disconnector.Breaker), and who is sending to it now
    failures int NOT NULL DEFAULT 0,
    breaker_until timestamptz,
    breaker_pause double precision NOT NULL DEFAULT 0,
    last_answer_at timestamptz,
    sending_until timestamptz NOT NULL DEFAULT to_timestamp(0)
);
CREATE UNIQUE INDEX nas_device_name ON nas_device (lower(name));

CREATE TABLE disconnect_order (
    id uuid PRIMARY KEY,
    acctuniqueid text NOT NULL,
    acctsessionid text NOT NULL,
    nas_address inet NOT NULL,
    username text NOT NULL,
    framed_address inet,
    session_started_at timestamptz,
    customer_id uuid,
    operator_path text COLLATE "C" NOT NULL DEFAULT '',
    kind text NOT NULL CHECK (kind IN ('disconnect', 'coa')),
    change text CHECK (change IN ('rate_limit', 'wall', 'unwall', 'package')),
    rate text,
    generation bigint NOT NULL,
    reason text NOT NULL,
    state text NOT NULL DEFAULT 'due'
        CHECK (state IN ('due', 'sent', 'acked', 'gone', 'failed', 'cancelled', 'deferred', 'done')),
    not_before timestamptz NOT NULL DEFAULT now(),
    attempts int NOT NULL DEFAULT 0,
    identify_again boolean NOT NULL DEFAULT false,
    confirm_by timestamptz,
    confirmed_by text CHECK (confirmed_by IN ('accounting_stop', 'ack', 'not_found')),
    outcome text,
    advice text,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    UNIQUE (acctuniqueid, kind, generation)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500);
CREATE INDEX disconnect_order_due ON disconnect_order (nas_address, not_before)
    WHERE state IN ('due', 'sent', 'deferred');
CREATE INDEX disconnect_order_unconfirmed ON disconnect_order (acctuniqueid) WHERE state = 'acked';
CREATE INDEX disconnect_order_unregistered ON disconnect_order (nas_address)
    WHERE state = 'failed' AND outcome = 'unregistered_nas';
CREATE INDEX disconnect_order_customer ON disconnect_order (customer_id);
CREATE INDEX disconnect_order_username ON disconnect_order (username);
CREATE INDEX disconnect_order_listed ON disconnect_order (created_at DESC, id DESC);

CREATE TABLE disconnect_attempt (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id uuid NOT NULL REFERENCES disconnect_order ON DELETE CASCADE,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    result text NOT NULL,
    code int,
    error_cause int,
    rtt_ms double precision,
    transmissions int NOT NULL,
    detail text NOT NULL DEFAULT ''
);
CREATE INDEX disconnect_attempt_order ON disconnect_attempt (order_id, id);

-- Lists of sessions: the newest first, of one login, of those open now.
CREATE INDEX radacct_of_username ON radacct (username, radacctid);
CREATE INDEX radacct_open ON radacct (radacctid) WHERE acctstoptime IS NULL;
CREATE INDEX radacct_open_seen ON radacct (acctupdatetime) WHERE acctstoptime IS NULL;

-- Accounting belongs to FreeRADIUS. What this service does to it, it does through these functions.
CREATE FUNCTION close_session(uniqueid text, cause text) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
    WITH closed AS (
        UPDATE radacct SET acctstoptime = now(), acctterminatecause = cause,
            acctsessiontime = coalesce(acctsessiontime, extract(epoch FROM now() - acctstarttime)::bigint)
        WHERE acctuniqueid = uniqueid AND acctstoptime IS NULL RETURNING 1)
    SELECT EXISTS (SELECT FROM closed)
$$;

-- Three missed interims (F27) and some slack; a session that never sent one gets a day.
CREATE FUNCTION close_stale_sessions(most int) RETURNS TABLE (acctuniqueid text, username text)
LANGUAGE sql SECURITY DEFINER SET search_path = public AS $$
    UPDATE radacct a SET acctstoptime = coalesce(a.acctupdatetime, a.acctstarttime, now()),
        acctterminatecause = 'Stale-Session'
    FROM (SELECT radacctid FROM radacct
          WHERE acctstoptime IS NULL AND acctupdatetime < now() - interval '1000 seconds'
            AND (acctinterval IS NOT NULL OR acctupdatetime < now() - interval '1 day')
          ORDER BY acctupdatetime LIMIT most FOR UPDATE SKIP LOCKED) stale
    WHERE a.radacctid = stale.radacctid
    RETURNING a.acctuniqueid, a.username
$$;

-- The sessions of an erased customer: gone, or left as nameless usage. Only those of the time in
-- which the login was this customer's; the next owner's are not touched (F32).
CREATE FUNCTION erase_sessions(erased uuid, pseudonym text) RETURNS TABLE (sessions bigint, logins bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    IF pseudonym IS NULL THEN
        DELETE FROM radacct a USING login_owner o WHERE o.customer_id = erased AND a.username = o.username
            AND coalesce(a.acctstarttime, a.acctstoptime, now()) >= o.since
            AND coalesce(a.acctstarttime, a.acctstoptime, now()) < o.until;
    ELSE
        UPDATE radacct a SET username = pseudonym, callingstationid = NULL, framedipaddress = NULL,
            framedipv6address = NULL, framedipv6prefix = NULL, framedinterfaceid = NULL,
            delegatedipv6prefix = NULL, connectinfo_start = NULL, connectinfo_stop = NULL, class = NULL,
            realm = NULL, acctstoptime = coalesce(acctstoptime, now())
        FROM login_owner o WHERE o.customer_id = erased AND a.username = o.username
            AND coalesce(a.acctstarttime, a.acctstoptime, now()) >= o.since
            AND coalesce(a.acctstarttime, a.acctstoptime, now()) < o.until;
    END IF;
    GET DIAGNOSTICS sessions = ROW_COUNT;
    DELETE FROM radpostauth p USING login_owner o WHERE o.customer_id = erased
        AND p.username = o.username AND p.authdate >= o.since AND p.authdate < o.until;
    GET DIAGNOSTICS logins = ROW_COUNT;
    RETURN NEXT;
END $$;
