\set user random(1200, 1299)
WITH bump AS (
    INSERT INTO owners (user_id, revision, task_count) VALUES ('user-' || :user, 1735689600000000, 1)
    ON CONFLICT (user_id) DO UPDATE SET revision = owners.revision + 1, task_count = owners.task_count + 1
    WHERE owners.task_count < 50000 RETURNING revision
)
INSERT INTO tasks (user_id, title, description, completed, created_at, updated_at, revision, title_folded,
    description_folded)
SELECT 'user-' || :user, 'Buy milk and bread', 'Two litres, and the dark one with seeds', FALSE, now(), now(), revision,
    'buy milk and bread', 'two litres, and the dark one with seeds' FROM bump
RETURNING id, title, description, completed, created_at, updated_at;
