-- What waits for a last session to end.
CREATE TABLE session_erasure_pending (
    removal_id uuid PRIMARY KEY,
    customer_id uuid NOT NULL,
    operator_path text COLLATE "C" NOT NULL,
    mode text NOT NULL CHECK (mode IN ('pseudonymise', 'everything')),
    before timestamptz NOT NULL
);

-- As 0014 has it, of the time up to a moment: all of it for whoever does not say.
DROP FUNCTION erase_sessions(uuid, text);
CREATE FUNCTION erase_sessions(erased uuid, pseudonym text, before timestamptz DEFAULT 'infinity')
RETURNS TABLE (sessions bigint, logins bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    place text;
    done bigint;
    began text := 'coalesce(a.acctstarttime, a.acctstoptime, now())';
    then_theirs text := began || ' >= o.since AND ' || began || ' < o.until';
    theirs text := ' o.customer_id = $1 AND a.username = o.username AND ' || began || ' < $3'
        ' AND CASE WHEN a.class ~ ''^[0-9a-f-]{36}:'' THEN left(a.class, 36) = CAST($1 AS text)'
        ' ELSE ' || then_theirs || ' END';
BEGIN
    EXECUTE 'DELETE FROM usage_counted c USING radacct a, login_owner o'
        ' WHERE c.acctuniqueid = a.acctuniqueid AND' || theirs USING erased, pseudonym, before;
    sessions := 0;
    FOREACH place IN ARRAY ARRAY['radacct', 'session_archive'] LOOP
        IF pseudonym IS NULL THEN
            EXECUTE 'DELETE FROM ' || place || ' a USING login_owner o WHERE' || theirs
                USING erased, pseudonym, before;
        ELSE
            EXECUTE 'UPDATE ' || place || ' a SET username = $2, callingstationid = NULL,'
                ' framedipaddress = NULL, framedipv6address = NULL, framedipv6prefix = NULL,'
                ' framedinterfaceid = NULL, delegatedipv6prefix = NULL, connectinfo_start = NULL,'
                ' connectinfo_stop = NULL, class = NULL, realm = NULL,'
                ' acctstoptime = coalesce(acctstoptime, now()) FROM login_owner o WHERE' || theirs
                USING erased, pseudonym, before;
        END IF;
        GET DIAGNOSTICS done = ROW_COUNT;
        sessions := sessions + done;
    END LOOP;
    DELETE FROM radpostauth p USING login_owner o WHERE o.customer_id = erased
        AND p.username = o.username AND p.authdate >= o.since AND p.authdate < o.until
        AND p.authdate < before;
    GET DIAGNOSTICS logins = ROW_COUNT;
    RETURN NEXT;
END $$;
