-- Up to which revision tombstones were swept: whoever asks for changes after an older one is told to start again.
ALTER TABLE owners ADD COLUMN swept_revision INTEGER NOT NULL DEFAULT 0 CHECK (swept_revision >= 0);
CREATE INDEX tasks_by_deletion ON tasks (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX tombstones_by_revision ON tasks (user_id, revision) WHERE deleted_at IS NOT NULL;
