\set user random(1020, 1119)
\set id (random(1, 10) - 1) * 1000 + :user - 999
SELECT id, title, description, completed, created_at, updated_at FROM tasks
    WHERE id = :id AND user_id = 'user-' || :user AND deleted_at IS NULL;
