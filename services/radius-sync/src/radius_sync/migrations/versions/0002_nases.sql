-- What a target's table `nas` should hold of ours (docs/adr/0007). The description marks our rows, and
-- is the one column of the stock table that can say whether a Message-Authenticator is asked for.
CREATE VIEW desired_nas WITH (security_invoker = true) AS
SELECT host(address) AS nasname, regexp_replace(name, '[^A-Za-z0-9._-]', '_', 'g') AS shortname,
    vendor || CASE walled_list WHEN 'walled' THEN '' ELSE '/' || walled_list END AS type,
    secret_sealed AS secret,
    'tenure: require_message_authenticator = ' || CASE WHEN require_ma THEN 'yes' ELSE 'no' END
        AS description
FROM nas_device;

ALTER TABLE target ADD COLUMN nases_digest text;

INSERT INTO nas (nasname, shortname, type, secret, description)
SELECT nasname, shortname, type, secret, description FROM desired_nas;
