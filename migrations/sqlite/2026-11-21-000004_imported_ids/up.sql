-- Which task an imported one became whose id could not be kept: an import that is run again finds it here.
CREATE TABLE imported_ids (
    source_id TEXT NOT NULL PRIMARY KEY CHECK (length(source_id) BETWEEN 1 AND 255),
    task_id   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
