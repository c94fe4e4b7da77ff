-- What requests with a key did. A row is inserted before the change, in the same transaction, so that of two at once one
-- waits for the other; it outlives the tasks that it tells of.
CREATE TABLE idempotency_keys (
    user_id     TEXT COLLATE "C" NOT NULL CHECK (char_length(user_id) BETWEEN 1 AND 255),
    key         TEXT COLLATE "C" NOT NULL CHECK (char_length(key) BETWEEN 1 AND 255),
    fingerprint BYTEA NOT NULL CHECK (octet_length(fingerprint) = 32),
    made_at     TIMESTAMPTZ NOT NULL,
    outcome     TEXT,
    PRIMARY KEY (user_id, key)
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (made_at);
