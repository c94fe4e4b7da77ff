-- What requests with a key did. A row is inserted before the change, in the same transaction; it outlives the tasks that
-- it tells of.
CREATE TABLE idempotency_keys (
    user_id     TEXT NOT NULL CHECK (length(user_id) BETWEEN 1 AND 255),
    key         TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    made_at     INTEGER NOT NULL,
    outcome     TEXT,
    PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (made_at);
