-- Who set which hold on an operator, and when: the kinds in force stand in `operator.holds`, too.
CREATE TABLE operator_hold (
    id uuid PRIMARY KEY,
    operator_id uuid NOT NULL REFERENCES operator,
    operator_path text COLLATE "C" NOT NULL,
    kind text NOT NULL CHECK (kind IN ('admin', 'fraud', 'reseller')),
    reason text,
    -- The branch of who set it. Only that branch, or one above, lifts it.
    owner_path text COLLATE "C" NOT NULL,
    since timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    lifted_at timestamptz,
    lifted_by text
);
CREATE UNIQUE INDEX operator_hold_in_force ON operator_hold (operator_id, kind, owner_path)
    WHERE lifted_at IS NULL;

-- Nobody wrote down who set those of before: the root of the tree lifts them.
INSERT INTO operator_hold (id, operator_id, operator_path, kind, owner_path, since, actor)
SELECT gen_random_uuid(), id, operator_path, kind, split_part(operator_path, '/', 1) || '/', updated_at, 'system'
FROM operator, unnest(holds) AS kind;
