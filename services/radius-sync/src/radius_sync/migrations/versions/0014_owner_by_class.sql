-- The sessions of an erased customer, archived ones too: gone, or left as nameless usage. Whose a session
-- was, its Class says, else the time in which the login was this customer's (persistence.owned); the
-- next owner's are not touched (F32).
CREATE OR REPLACE FUNCTION erase_sessions(erased uuid, pseudonym text)
RETURNS TABLE (sessions bigint, logins bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    place text;
    done bigint;
    began text := 'coalesce(a.acctstarttime, a.acctstoptime, now())';
    then_theirs text := began || ' >= o.since AND ' || began || ' < o.until';
    theirs text := ' o.customer_id = $1 AND a.username = o.username'
        ' AND CASE WHEN a.class ~ ''^[0-9a-f-]{36}:'' THEN left(a.class, 36) = CAST($1 AS text)'
        ' ELSE ' || then_theirs || ' END';
BEGIN
    EXECUTE 'DELETE FROM usage_counted c USING radacct a, login_owner o'
        ' WHERE c.acctuniqueid = a.acctuniqueid AND' || theirs USING erased;
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
