-- How many tasks a user has that are not deleted, kept by every change of them: a quota must hold also where two nodes
-- make a task at the same moment, and counting rows would see neither.
ALTER TABLE owners ADD COLUMN task_count BIGINT NOT NULL DEFAULT 0 CHECK (task_count >= 0);
UPDATE owners SET task_count =
    (SELECT count(*) FROM tasks WHERE tasks.user_id = owners.user_id AND tasks.deleted_at IS NULL);
