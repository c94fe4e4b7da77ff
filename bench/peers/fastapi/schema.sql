-- What SQLModel.metadata.create_all() makes of the model in app.py.
CREATE TABLE task (
    title       VARCHAR(200) NOT NULL,
    description VARCHAR(1000),
    id          BIGSERIAL PRIMARY KEY,
    user_id     VARCHAR NOT NULL,
    completed   BOOLEAN NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    updated_at  TIMESTAMPTZ NOT NULL
);
CREATE INDEX ix_task_user_id ON task (user_id, id);
