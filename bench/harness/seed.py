"""The tasks that are there before anything is measured: the same for all, and where each is known without asking."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from .postgres import Cluster

FIRST_USER = 1000
EPOCH_SECONDS = 1_735_689_600  # 2025-01-01T00:00:00Z


@dataclass(frozen=True)
class Seed:
    """Users with many tasks, and after them users with few. Each makes a task in turn, one a second."""

    many_users: int
    many_tasks: int
    few_users: int
    few_tasks: int

    @property
    def total(self) -> int:
        """How many tasks there are."""
        return self.many_users * self.many_tasks + self.few_users * self.few_tasks

    @property
    def users(self) -> range:
        """The numbers of the users."""
        return range(FIRST_USER, FIRST_USER + self.many_users + self.few_users)

    def count(self, user: int) -> int:
        """How many tasks a user has."""
        return self.many_tasks if user < FIRST_USER + self.many_users else self.few_tasks

    def task_id(self, user: int, number: int) -> int:
        """The id of a user's task, counted from 1, the oldest."""
        both = min(number - 1, self.few_tasks)
        beyond = max(number - 1 - self.few_tasks, 0)
        return both * len(self.users) + beyond * self.many_users + user - FIRST_USER + 1

    def tasks(self) -> Iterator[tuple[int, int, int]]:
        """The id, the user and the number of each task, in the order of ids."""
        task_id = 0
        for number in range(1, max(self.many_tasks, self.few_tasks) + 1):
            for user in self.users if number <= self.few_tasks else self.users[: self.many_users]:
                task_id += 1
                yield task_id, user, number


STANDARD = Seed(many_users=20, many_tasks=1080, few_users=980, few_tasks=80)
"""100,000 tasks of 1,000 users."""

SMALL = Seed(many_users=0, many_tasks=0, few_users=200, few_tasks=50)
"""10,000 tasks."""

LARGE = Seed(many_users=10, many_tasks=10_080, few_users=17_984, few_tasks=50)
"""1,000,000 tasks."""


def name(user: int) -> str:
    """The subject of a user's tokens."""
    return f"user-{user}"


def _texts(user: int, number: int) -> tuple[str, str | None]:
    """Title and description; every other task has one."""
    title = f"Task {number} of user {user}"
    return title, f"What there is to do for task {number}, and why it should be done soon" if number % 2 else None


def _null(text: str | None) -> str:
    return "\\N" if text is None else text


def fill_taskgate(cluster: Cluster, database: str, seed: Seed) -> None:
    """Fills the tables that `taskgate migrate run` has made."""
    owners = (
        f"{name(user)}\t{EPOCH_SECONDS * 1_000_000 + seed.count(user)}\t{seed.count(user)}\n" for user in seed.users
    )
    cluster.copy(database, "owners (user_id, revision, task_count)", owners)
    columns = "id, user_id, title, description, completed, created_at, updated_at, revision, title_folded"
    cluster.copy(database, f"tasks ({columns}, description_folded)", _taskgate_lines(seed))
    _settle(cluster, database, "tasks", seed)


def _taskgate_lines(seed: Seed) -> Iterator[str]:
    for task_id, user, number in seed.tasks():
        title, description = _texts(user, number)
        made, revision = _time(task_id), EPOCH_SECONDS * 1_000_000 + number
        texts = f"{title}\t{_null(description)}\t{'ft'[number % 3 == 0]}"
        folded = f"{title.lower()}\t{_null(description and description.lower())}"
        yield f"{task_id}\t{name(user)}\t{texts}\t{made}\t{made}\t{revision}\t{folded}\n"


def fill_peer(cluster: Cluster, database: str, table: str, seed: Seed) -> None:
    """Fills a table that has only what REST shows, and the user."""

    def lines() -> Iterator[str]:
        for task_id, user, number in seed.tasks():
            title, description = _texts(user, number)
            made = _time(task_id)
            texts = f"{title}\t{_null(description)}\t{'ft'[number % 3 == 0]}"
            yield f"{task_id}\t{name(user)}\t{texts}\t{made}\t{made}\n"

    cluster.copy(database, f"{table} (id, user_id, title, description, completed, created_at, updated_at)", lines())
    _settle(cluster, database, table, seed)


def _time(task_id: int) -> str:
    day, second = divmod(task_id, 86_400)
    return f"{_day(day)} {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}+00"


@cache
def _day(day: int) -> str:
    return (date(2025, 1, 1) + timedelta(day)).isoformat()


def _settle(cluster: Cluster, database: str, table: str, seed: Seed) -> None:
    cluster.sql(database, f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {seed.total})")
    # What is still to be done for these tasks is done before anything is measured.
    cluster.sql(database, "VACUUM ANALYZE", "CHECKPOINT")


def fill_sqlite(path: Path, seed: Seed) -> None:
    """Fills the tables that `taskgate migrate run` has made in a file."""
    connection = sqlite3.connect(path)
    with connection:
        base = EPOCH_SECONDS * 1_000_000
        owners = ((name(user), base + seed.count(user), seed.count(user)) for user in seed.users)
        connection.executemany("INSERT INTO owners (user_id, revision, task_count) VALUES (?, ?, ?)", owners)
        connection.executemany(
            "INSERT INTO tasks (id, user_id, title, description, completed, created_at, updated_at, revision, "
            "title_folded, description_folded) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, lower(?3), lower(?4))",
            _sqlite_rows(seed),
        )
    connection.execute("ANALYZE")
    connection.commit()
    connection.close()


def _sqlite_rows(seed: Seed) -> Iterator[tuple[object, ...]]:
    base = EPOCH_SECONDS * 1_000_000
    for task_id, user, number in seed.tasks():
        title, description = _texts(user, number)
        yield task_id, name(user), title, description, number % 3 == 0, base + task_id * 1_000_000, base + number
