-- One row a user.
CREATE TABLE owners (
    user_id  TEXT NOT NULL PRIMARY KEY CHECK (length(user_id) BETWEEN 1 AND 255),
    revision INTEGER NOT NULL CHECK (revision >= 0)
) STRICT, WITHOUT ROWID;

-- A deleted task stays as its own tombstone. Times are microseconds since 1970. AUTOINCREMENT never gives an id twice.
-- The folded columns are for search and order: SQLite knows the case of ASCII only.
CREATE TABLE tasks (
    id                 INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    user_id            TEXT NOT NULL REFERENCES owners (user_id),
    title              TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    description        TEXT CHECK (length(description) <= 1000),
    completed          INTEGER NOT NULL DEFAULT FALSE CHECK (completed IN (FALSE, TRUE)),
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    deleted_at         INTEGER,
    revision           INTEGER NOT NULL,
    title_folded       TEXT NOT NULL,
    description_folded TEXT,
    CHECK ((description IS NULL) = (description_folded IS NULL))
) STRICT;

CREATE UNIQUE INDEX tasks_by_revision ON tasks (user_id, revision);
CREATE INDEX tasks_by_creation ON tasks (user_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_by_update ON tasks (user_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_by_title ON tasks (user_id, title_folded, id) WHERE deleted_at IS NULL;
