\set user random(1200, 1299)
\set id (random(1, 10) - 1) * 1000 + :user - 999
WITH bump AS (
    UPDATE owners SET revision = revision + 1 WHERE user_id = 'user-' || :user AND EXISTS (
        SELECT FROM tasks WHERE id = :id AND user_id = 'user-' || :user AND deleted_at IS NULL FOR NO KEY UPDATE)
    RETURNING revision
)
UPDATE tasks SET completed = NOT completed, updated_at = now(), revision = bump.revision FROM bump
WHERE id = :id AND user_id = 'user-' || :user AND deleted_at IS NULL
RETURNING id, title, description, completed, created_at, updated_at;
