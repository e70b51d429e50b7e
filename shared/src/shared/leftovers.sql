-- Executed by a migration of each service that is asked to search. What it knew of the erased by name,
-- sealed, until it has searched; and the erasures that wait for its search.
CREATE TABLE erasure_needle (
    erasure_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    sealed text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (erasure_id, customer_id)
);
CREATE TABLE leftover_search (
    erasure_id uuid PRIMARY KEY,
    operator_path text COLLATE "C" NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now()
);
