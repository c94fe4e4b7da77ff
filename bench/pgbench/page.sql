\set user random(1000, 1019)
\set id 80000 + :user - 999
SELECT id, title, description, completed, created_at, updated_at FROM tasks
    WHERE user_id = 'user-' || :user AND deleted_at IS NULL
    AND created_at <= '2025-01-01 00:00:00+00'::timestamptz + make_interval(secs => :id)
    AND (created_at < '2025-01-01 00:00:00+00'::timestamptz + make_interval(secs => :id) OR id < :id)
    ORDER BY created_at DESC, id DESC LIMIT 50;
