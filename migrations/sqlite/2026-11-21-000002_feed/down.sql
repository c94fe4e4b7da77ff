DROP INDEX tombstones_by_revision;
DROP INDEX tasks_by_deletion;
ALTER TABLE owners DROP COLUMN swept_revision;
