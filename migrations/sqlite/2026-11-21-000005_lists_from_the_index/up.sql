-- A list is read from the index alone. A user's tasks lie between everybody else's in the table, so that each task of a
-- page would be a page of the file.
DROP INDEX tasks_by_creation;
CREATE INDEX tasks_by_creation
    ON tasks (user_id, created_at, id, title, description, completed, updated_at, revision, deleted_at)
    WHERE deleted_at IS NULL;
