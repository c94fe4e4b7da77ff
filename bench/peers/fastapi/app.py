"""Tasks by FastAPI, SQLModel, asyncpg and PyJWT, written as their guides say.

Environment: DATABASE_URL (postgresql+asyncpg://…), BETTER_AUTH_SECRET.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import BigInteger, Column, DateTime, Index
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, SQLModel, select
from sqlmodel.ext.asyncio.session import AsyncSession

SECRET = os.environ["BETTER_AUTH_SECRET"]

engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=10)


def now() -> datetime:
    return datetime.now(UTC)


class TaskBase(SQLModel):
    title: str = Field(min_length=1, max_length=200)
    description: str | None = Field(default=None, max_length=1000)


class Task(TaskBase, table=True):
    __table_args__ = (Index("ix_task_user_id", "user_id", "id"),)

    id: int | None = Field(default=None, sa_column=Column(BigInteger, primary_key=True))
    user_id: str
    completed: bool = False
    created_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))
    updated_at: datetime = Field(default_factory=now, sa_type=DateTime(timezone=True))


class TaskCreate(TaskBase):
    pass


class TaskRead(TaskBase):
    id: int
    completed: bool
    created_at: datetime
    updated_at: datetime


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)
bearer = HTTPBearer()


def current_user(credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> str:
    try:
        claims = jwt.decode(credentials.credentials, SECRET, algorithms=["HS256"], options={"require": ["exp", "sub"]})
    except jwt.InvalidTokenError:
        raise HTTPException(status_code=401, detail="Not authenticated") from None
    return claims["sub"]


async def session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine, expire_on_commit=False) as opened:
        yield opened


User = Annotated[str, Depends(current_user)]
Session = Annotated[AsyncSession, Depends(session)]


async def own_task(task_id: int, user: User, session: Session) -> Task:
    task = await session.get(Task, task_id)
    if task is None:
        raise HTTPException(status_code=404, detail="Task not found")
    if task.user_id != user:
        raise HTTPException(status_code=403, detail="Not your task")
    return task


OwnTask = Annotated[Task, Depends(own_task)]


@app.get("/readyz")
async def ready() -> dict[str, str]:
    return {"status": "ready"}


@app.get("/api/tasks", response_model=list[TaskRead])
async def list_tasks(
    user: User, session: Session, limit: Annotated[int, Query(ge=1, le=100)] = 50, before: int | None = None
):
    query = select(Task).where(Task.user_id == user)
    if before is not None:
        query = query.where(Task.id < before)
    return (await session.exec(query.order_by(Task.id.desc()).limit(limit))).all()


@app.get("/api/tasks/{task_id}", response_model=TaskRead)
async def get_task(task: OwnTask):
    return task


@app.post("/api/tasks", response_model=TaskRead, status_code=201)
async def create_task(body: TaskCreate, user: User, session: Session):
    task = Task(**body.model_dump(), user_id=user)
    session.add(task)
    await session.commit()
    await session.refresh(task)
    return task


@app.patch("/api/tasks/{task_id}/complete", response_model=TaskRead)
async def toggle_task(task: OwnTask, session: Session):
    task.completed = not task.completed
    task.updated_at = now()
    session.add(task)
    await session.commit()
    await session.refresh(task)
    return task
