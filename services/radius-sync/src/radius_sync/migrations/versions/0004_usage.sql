-- What a customer used, by day of the site's time zone (C45). It outlives the sessions it is made of.
CREATE TABLE usage_day (
    customer_id uuid NOT NULL,
    day date NOT NULL,
    sessions bigint NOT NULL,
    seconds bigint NOT NULL,
    upload_octets bigint NOT NULL,
    download_octets bigint NOT NULL,
    PRIMARY KEY (customer_id, day)
);
-- How much of a session usage_day holds already: counting again adds what has come since.
CREATE TABLE usage_counted (
    acctuniqueid text PRIMARY KEY,
    seconds bigint NOT NULL,
    upload_octets bigint NOT NULL,
    download_octets bigint NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE TABLE usage_progress (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seen_at timestamptz NOT NULL DEFAULT '-infinity',
    seen_id bigint NOT NULL DEFAULT 0
);
INSERT INTO usage_progress DEFAULT VALUES;
CREATE INDEX radacct_seen ON radacct (acctupdatetime, radacctid);

-- Who had an address: the newest session that had begun by then is the first one looked at.
CREATE INDEX radacct_framed_ip ON radacct (framedipaddress, acctstarttime);
CREATE INDEX radacct_framed_ipv6 ON radacct (framedipv6address, acctstarttime)
    WHERE framedipv6address IS NOT NULL;
CREATE INDEX radacct_framed_prefix ON radacct USING gist (framedipv6prefix inet_ops)
    WHERE framedipv6prefix IS NOT NULL;
CREATE INDEX radacct_delegated_prefix ON radacct USING gist (delegatedipv6prefix inet_ops)
    WHERE delegatedipv6prefix IS NOT NULL;
CREATE INDEX radacct_stopped ON radacct (acctstoptime) WHERE acctstoptime IS NOT NULL;

-- Closed sessions of long ago, by the month of their end. radacct itself cannot have partitions: its
-- unique key would have to contain the partition key (radius.md 5.1).
CREATE TABLE session_archive (LIKE radacct) PARTITION BY RANGE (acctstoptime);
CREATE INDEX session_archive_id ON session_archive (radacctid);
CREATE INDEX session_archive_username ON session_archive (username, radacctid);
CREATE INDEX session_archive_framed_ip ON session_archive (framedipaddress, acctstarttime);
CREATE INDEX session_archive_framed_ipv6 ON session_archive (framedipv6address, acctstarttime)
    WHERE framedipv6address IS NOT NULL;
CREATE INDEX session_archive_framed_prefix ON session_archive USING gist (framedipv6prefix inet_ops)
    WHERE framedipv6prefix IS NOT NULL;
CREATE INDEX session_archive_delegated_prefix ON session_archive
    USING gist (delegatedipv6prefix inet_ops) WHERE delegatedipv6prefix IS NOT NULL;

CREATE VIEW session_record WITH (security_invoker = true) AS
SELECT * FROM radacct UNION ALL SELECT * FROM session_archive;

-- Accounting belongs to FreeRADIUS, so moving it needs its owner's rights. The rows to move are named
-- by the caller, who has counted them.
CREATE FUNCTION archive_sessions(chosen bigint[]) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    month date;
    moved bigint;
BEGIN
    FOR month IN SELECT DISTINCT date_trunc('month', acctstoptime AT TIME ZONE 'UTC')::date FROM radacct
        WHERE radacctid = ANY (chosen) AND acctstoptime IS NOT NULL
    LOOP
        EXECUTE format('CREATE TABLE IF NOT EXISTS %I PARTITION OF session_archive'
            ' FOR VALUES FROM (%L) TO (%L)', 'session_archive_' || to_char(month, 'YYYY_MM'),
            month::timestamp AT TIME ZONE 'UTC',
            (month + interval '1 month')::timestamp AT TIME ZONE 'UTC');
    END LOOP;
    WITH gone AS (
        DELETE FROM radacct WHERE radacctid = ANY (chosen) AND acctstoptime IS NOT NULL RETURNING *
    ), kept AS (
        INSERT INTO session_archive SELECT * FROM gone RETURNING acctuniqueid
    ), counted AS (
        DELETE FROM usage_counted c USING kept k WHERE c.acctuniqueid = k.acctuniqueid
    )
    SELECT count(*) FROM kept INTO moved;
    RETURN moved;
END $$;

-- The sessions of an erased customer, archived ones too: gone, or left as nameless usage. Only those
-- of the time in which the login was this customer's; the next owner's are not touched (F32).
CREATE OR REPLACE FUNCTION erase_sessions(erased uuid, pseudonym text)
RETURNS TABLE (sessions bigint, logins bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    place text;
    done bigint;
    theirs text := ' o.customer_id = $1 AND a.username = o.username'
        ' AND coalesce(a.acctstarttime, a.acctstoptime, now()) >= o.since'
        ' AND coalesce(a.acctstarttime, a.acctstoptime, now()) < o.until';
BEGIN
    DELETE FROM usage_counted c USING radacct a, login_owner o WHERE c.acctuniqueid = a.acctuniqueid
        AND o.customer_id = erased AND a.username = o.username
        AND coalesce(a.acctstarttime, a.acctstoptime, now()) >= o.since
        AND coalesce(a.acctstarttime, a.acctstoptime, now()) < o.until;
    sessions := 0;
    FOREACH place IN ARRAY ARRAY['radacct', 'session_archive'] LOOP
        IF pseudonym IS NULL THEN
            EXECUTE 'DELETE FROM ' || place || ' a USING login_owner o WHERE' || theirs USING erased;
        ELSE
            EXECUTE 'UPDATE ' || place || ' a SET username = $2, callingstationid = NULL,'
                ' framedipaddress = NULL, framedipv6address = NULL, framedipv6prefix = NULL,'
                ' framedinterfaceid = NULL, delegatedipv6prefix = NULL, connectinfo_start = NULL,'
                ' connectinfo_stop = NULL, class = NULL, realm = NULL,'
                ' acctstoptime = coalesce(acctstoptime, now()) FROM login_owner o WHERE' || theirs
                USING erased, pseudonym;
        END IF;
        GET DIAGNOSTICS done = ROW_COUNT;
        sessions := sessions + done;
    END LOOP;
    DELETE FROM radpostauth p USING login_owner o WHERE o.customer_id = erased
        AND p.username = o.username AND p.authdate >= o.since AND p.authdate < o.until;
    GET DIAGNOSTICS logins = ROW_COUNT;
    RETURN NEXT;
END $$;
