-- A page sorts nulls last in both directions (shared.http.paging): an index for `x ASC, id ASC` serves the
-- way down as well only where x is never null.
CREATE INDEX customer_by_expiry_down ON customer (expires_at DESC NULLS LAST, id DESC) WHERE state = 'alive';
CREATE INDEX customer_deleted_phone_down ON customer (phone DESC NULLS LAST, id DESC) WHERE state = 'deleted';
CREATE INDEX customer_deleted_package_down ON customer (deleted_package_name DESC NULLS LAST, id DESC)
    WHERE state = 'deleted';
CREATE INDEX customer_deleted_erase ON customer (erase_after, id) WHERE state = 'deleted';
CREATE INDEX customer_deleted_erase_down ON customer (erase_after DESC NULLS LAST, id DESC) WHERE state = 'deleted';
CREATE INDEX customer_deleted_by ON customer (deleted_by, id) WHERE state = 'deleted';
CREATE INDEX customer_deleted_reason ON customer (deletion_reason, id) WHERE state = 'deleted';

-- So the lists may take these for never null.
ALTER TABLE customer ADD CONSTRAINT customer_deletion_whole CHECK (state <> 'deleted' OR (deleted_at IS NOT NULL
    AND deleted_by IS NOT NULL AND deletion_reason IS NOT NULL AND deleted_operator_name IS NOT NULL));
