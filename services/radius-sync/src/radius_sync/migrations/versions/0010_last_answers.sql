-- The newest answers to one login. A router with a wrong password asks every few seconds, for months.
CREATE INDEX radpostauth_of_username ON radpostauth (username, id);
