"""The rows of the benchmark: in each the same work, and all who can do it, one after the other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Protocol

from . import contenders
from .contenders import BENCH, Bench
from .load import Sample, measure, pgbench, write_requests
from .requests import (
    DEPTH,
    MANY,
    POSTGRAPHILE,
    READERS,
    TASKGATE,
    WRITERS,
    Ask,
    Graphql,
    Rest,
    Tokens,
    postgraphile_cursor,
    walk,
)
from .seed import STANDARD, name
from .system import Server

PG, PG_EDDSA, SQLITE = "taskgate", "taskgate, EdDSA", "taskgate, SQLite"
FLOOR, FLOOR_EDDSA = "floor", "floor, EdDSA"
FASTAPI_1, FASTAPI_2 = "FastAPI, 1 worker", "FastAPI, 2 workers"
POSTGRAPHILE_1, PGBENCH = "PostGraphile", "pgbench"

KEYS = [
    *("one-rest", "list-rest", "page-rest", "unchanged-rest"),
    *("one-graphql", "list-graphql", "two-fields-graphql", "page-graphql"),
    *("create-rest", "toggle-rest", "create-graphql", "toggle-graphql"),
]
"""What rows are called on the command line and in the results."""

LONG = {"page-rest", "two-fields-graphql", "page-graphql", "toggle-graphql"}
"""Those of them that a quick run leaves out."""


class Run(Protocol):
    """Measures for so many seconds. What was warmed up just before need not be again."""

    def __call__(self, seconds: int, is_warm: bool = False) -> Sample: ...


@dataclass
class Row:
    """Some work, and who does it, by their names in the report."""

    key: str
    title: str
    runs: dict[str, Run] = field(default_factory=dict)
    writes: bool = False


@dataclass(frozen=True)
class Field:
    """All who run, started. The peers are missing where they were not wanted."""

    taskgate: Server
    sqlite: Server
    floor: Server
    fastapi: dict[str, Server]
    postgraphile: Server | None

    @classmethod
    def start(cls, bench: Bench, with_peers: bool, quick: bool) -> "Field":
        """Sets everyone up, each with a database of its own that holds the same tasks."""
        bench.filled("seeded", STANDARD)
        taskgate = contenders.taskgate(bench, "taskgate", bench.copied("seeded", "taskgate"))
        sqlite = contenders.taskgate(bench, "taskgate-sqlite", bench.filled_file("standard", STANDARD))
        floor = contenders.floor(bench, bench.copied("seeded", "floor"))
        bench.copied("seeded", "pgbench")
        fastapi: dict[str, Server] = {}
        postgraphile = None
        if with_peers:
            contenders.fill_fastapi(bench)
            contenders.fill_postgraphile(bench)
            fastapi[FASTAPI_1] = contenders.fastapi(bench, 1)
            if not quick:
                fastapi[FASTAPI_2] = contenders.fastapi(bench, 2)
            postgraphile = contenders.postgraphile(bench)
        everyone = [taskgate, sqlite, floor, *fastapi.values()]
        for server in everyone:
            server.wait_ready()
        if postgraphile:
            postgraphile.wait_listening()
        return cls(taskgate, sqlite, floor, fastapi, postgraphile)


class Rows:
    """Builds the rows for a field of contenders."""

    def __init__(self, bench: Bench, field: Field, quick: bool) -> None:
        self._bench, self._field, self._quick = bench, field, quick
        users = [*MANY, *READERS, *WRITERS]
        self._tokens: Tokens = {user: bench.secret.token(name(user)) for user in users}
        self._eddsa: Tokens = {user: bench.key.token(name(user)) for user in READERS}
        self._cursor = cache(lambda user: walk(field.taskgate.port, self._tokens[user], DEPTH))

    def __iter__(self) -> Iterator[Row]:
        yield self._read("one-rest", "One task by REST", Rest().one, eddsa=True, script="one")
        yield self._read("list-rest", "50 tasks by REST", Rest().list, eddsa=not self._quick, script="list")
        yield self._page_rest()
        yield self._unchanged()
        yield self._graphql("one-graphql", "One task by GraphQL", "one", floor=Rest().one, eddsa=not self._quick)
        yield self._graphql("list-graphql", "50 tasks by GraphQL", "list", floor=Rest().list)
        yield self._graphql("two-fields-graphql", "Two fields of 50 tasks by GraphQL", "two_fields")
        yield self._page_graphql()
        yield self._write("create-rest", "Create by REST", Rest().create, "create")
        yield self._write("toggle-rest", "Toggle by REST", Rest().toggle, "toggle")
        yield self._graphql("create-graphql", "Create by GraphQL", "create", writes=True)
        yield self._graphql("toggle-graphql", "Toggle by GraphQL", "toggle", writes=True)

    def _run(self, server: Server, key: str, make: Callable[[], Ask], writes: bool = False) -> Run:
        path = self._bench.folder / f"{server.log.stem}-{key}.requests"

        def run(seconds: int, is_warm: bool = False) -> Sample:
            ask = make()
            ask.check(server.port)
            write_requests(path, ask.requests)
            if writes:
                self._bench.cluster.sql("postgres", "CHECKPOINT")
            return measure(server, path, ask.expected, seconds, self._bench.postmaster, is_warm=is_warm)

        return run

    def _pgbench(self, script: str, writes: bool = False) -> Run:
        cluster, path = self._bench.cluster, BENCH / "pgbench" / f"{script}.sql"

        def run(seconds: int, is_warm: bool = False) -> Sample:
            if writes:
                cluster.sql("postgres", "CHECKPOINT")
            return pgbench(cluster, "pgbench", path, seconds, self._bench.postmaster)

        return run

    def _read(self, key: str, title: str, ask: Callable[[Tokens], Ask], eddsa: bool, script: str) -> Row:
        row, field = Row(key, title), self._field
        row.runs[PG] = self._run(field.taskgate, key, lambda: ask(self._tokens))
        row.runs[FLOOR] = self._run(field.floor, key, lambda: ask(self._tokens))
        if eddsa:
            row.runs[PG_EDDSA] = self._run(field.taskgate, f"{key}-eddsa", lambda: ask(self._eddsa))
            if not self._quick:
                row.runs[FLOOR_EDDSA] = self._run(field.floor, f"{key}-eddsa", lambda: ask(self._eddsa))
        row.runs[SQLITE] = self._run(field.sqlite, key, lambda: ask(self._tokens))
        for label, server in field.fastapi.items():
            row.runs[label] = self._run(server, key, lambda: ask(self._tokens))
        row.runs[PGBENCH] = self._pgbench(script)
        return row

    def _write(self, key: str, title: str, ask: Callable[[Tokens], Ask], script: str) -> Row:
        row, field = Row(key, title, writes=True), self._field
        servers = {PG: field.taskgate, FLOOR: field.floor, SQLITE: field.sqlite, **field.fastapi}
        for label, server in servers.items():
            row.runs[label] = self._run(server, key, lambda: ask(self._tokens), writes=True)
        row.runs[PGBENCH] = self._pgbench(script, writes=True)
        return row

    def _page_rest(self) -> Row:
        key = "page-rest"
        row, field = Row(key, f"50 tasks by REST, from {DEPTH:,} on"), self._field
        last = STANDARD.many_tasks - DEPTH + 1
        by_cursor = partial(Rest().page, self._tokens, lambda user: f"cursor={self._cursor(user)}")
        by_id = partial(Rest().page, self._tokens, lambda user: f"before={STANDARD.task_id(user, last)}")
        for label, server in {PG: field.taskgate, FLOOR: field.floor, SQLITE: field.sqlite}.items():
            row.runs[label] = self._run(server, key, by_cursor)
        for label, server in field.fastapi.items():
            row.runs[label] = self._run(server, key, by_id)
        row.runs[PGBENCH] = self._pgbench("page")
        return row

    def _unchanged(self) -> Row:
        row = Row("unchanged-rest", "304 on an unchanged list of 50")
        for label, server in {PG: self._field.taskgate, SQLITE: self._field.sqlite}.items():
            ask = partial(Rest().unchanged, self._tokens, server.port)
            row.runs[label] = self._run(server, row.key, ask)
        return row

    def _graphql(
        self,
        key: str,
        title: str,
        method: str,
        floor: Callable[[Tokens], Ask] | None = None,
        eddsa: bool = False,
        writes: bool = False,
    ) -> Row:
        """The floor has no GraphQL: it answers the same by REST."""
        row, field = Row(key, title, writes=writes), self._field
        ours, theirs = getattr(Graphql(TASKGATE), method), getattr(Graphql(POSTGRAPHILE), method)
        row.runs[PG] = self._run(field.taskgate, key, lambda: ours(self._tokens), writes)
        if floor:
            row.runs[FLOOR] = self._run(field.floor, key, lambda: floor(self._tokens))
        if eddsa:
            row.runs[PG_EDDSA] = self._run(field.taskgate, f"{key}-eddsa", lambda: ours(self._eddsa))
        row.runs[SQLITE] = self._run(field.sqlite, key, lambda: ours(self._tokens), writes)
        if field.postgraphile:
            row.runs[POSTGRAPHILE_1] = self._run(field.postgraphile, key, lambda: theirs(self._tokens), writes)
        return row

    def _page_graphql(self) -> Row:
        key = "page-graphql"
        row, field = Row(key, f"50 tasks by GraphQL, from {DEPTH:,} on"), self._field
        for label, server in {PG: field.taskgate, SQLITE: field.sqlite}.items():
            row.runs[label] = self._run(server, key, lambda: Graphql(TASKGATE).page(self._tokens, self._cursor))
        if peer := field.postgraphile:
            cursor = cache(lambda user: postgraphile_cursor(peer.port, self._tokens[user]))
            row.runs[POSTGRAPHILE_1] = self._run(peer, key, lambda: Graphql(POSTGRAPHILE).page(self._tokens, cursor))
        return row
