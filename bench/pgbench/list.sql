\set user random(1020, 1119)
SELECT id, title, description, completed, created_at, updated_at FROM tasks
    WHERE user_id = 'user-' || :user AND deleted_at IS NULL ORDER BY created_at DESC, id DESC LIMIT 50;
