ALTER TABLE owners DROP COLUMN task_count;
