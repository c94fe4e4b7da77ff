DROP INDEX tasks_by_creation;
CREATE INDEX tasks_by_creation ON tasks (user_id, created_at, id) WHERE deleted_at IS NULL;
