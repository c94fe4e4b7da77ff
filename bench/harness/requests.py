"""What is asked, in the words of each contender: a list of requests, and what the first is to be answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .http import Request, fetch, graphql
from .load import Expected
from .seed import FIRST_USER, STANDARD, Seed
from .system import Failed

MANY = range(FIRST_USER, FIRST_USER + STANDARD.many_users)
READERS = range(MANY.stop, MANY.stop + 100)
WRITERS = range(READERS.stop + 80, READERS.stop + 180)
"""Others than the readers: what those read stays as it was."""

DEPTH = 1000
PAGE = 50

TITLE, DESCRIPTION = "Buy milk and bread", "Two litres, and the dark one with seeds"
NEW = {"title": TITLE, "description": DESCRIPTION}

Tokens = dict[int, str]
"""The token of each user."""

Cursor = Callable[[int], str]
"""The place in a user's list after which the page begins."""


@dataclass(frozen=True)
class Ask:
    """Requests that are sent in turn, what each answer must be, and which ids the first has and how to find them."""

    requests: Sequence[Request]
    expected: Expected
    read: Callable[[Any], list[int]] | None = None
    ids: Sequence[int] = ()

    def check(self, port: int) -> None:
        """Sends the first request. Raises `Failed` when the answer is not the right one."""
        answer = fetch(port, self.requests[0])
        right = answer.status == self.expected.status and self.expected.marker.encode() in answer.body
        if not right or (self.read and self.read(answer.json()) != list(self.ids)):
            raise Failed(f"{self.requests[0].method} {self.requests[0].path}: {answer.status} {answer.body[:500]!r}")


def newest(user: int, skipped: int = 0, seed: Seed = STANDARD) -> list[int]:
    """The ids of a page of a user's list, newest first."""
    last = seed.count(user) - skipped
    return [seed.task_id(user, number) for number in range(last, last - PAGE, -1)]


def _some_tasks(users: Sequence[int]) -> list[tuple[int, int]]:
    """Ten tasks of each user, those of one user far apart. Every other one has a description, so that the answers to any
    few of them are as long as those to all: who is slow gets no further in a warm-up."""
    rounds = (enumerate(users, start=first) for first in range(10))
    return [(user, STANDARD.task_id(user, number % 10 + 1)) for users in rounds for number, user in users]


def _one(answer: Any) -> list[int]:
    return [answer["id"]]


def _all(answer: Any) -> list[int]:
    return [task["id"] for task in answer]


class Rest:
    """The routes of taskgate, which the floor and FastAPI have too."""

    TASK = Expected(200, '"created_at":"')

    def one(self, tokens: Tokens) -> Ask:
        """One task."""
        tasks = _some_tasks(READERS)
        return Ask(
            [Request("GET", f"/api/tasks/{i}", tokens[user]) for user, i in tasks], self.TASK, _one, [tasks[0][1]]
        )

    def list(self, tokens: Tokens) -> Ask:
        """The newest 50 tasks."""
        requests = [Request("GET", f"/api/tasks?limit={PAGE}", tokens[user]) for user in READERS]
        return Ask(requests, self.TASK, _all, newest(READERS[0]))

    def page(self, tokens: Tokens, place: Callable[[int], str]) -> Ask:
        """50 tasks from a place on, which is the last parameters of the query."""
        requests = [Request("GET", f"/api/tasks?limit={PAGE}&{place(user)}", tokens[user]) for user in MANY]
        return Ask(requests, self.TASK, _all, newest(MANY[0], DEPTH))

    def unchanged(self, tokens: Tokens, port: int) -> Ask:
        """The newest 50 tasks, unless they are the same as before."""
        requests = []
        for request in self.list(tokens).requests:
            tag = fetch(port, request).headers["etag"]
            requests.append(Request("GET", request.path, request.token, headers={"If-None-Match": tag}))
        return Ask(requests, Expected(304, ""))

    def create(self, tokens: Tokens) -> Ask:
        """A new task."""
        requests = [Request("POST", "/api/tasks", tokens[user], NEW) for user in WRITERS]
        return Ask(requests, Expected(201, f'"title":"{TITLE}"'))

    def toggle(self, tokens: Tokens) -> Ask:
        """A task completed, or opened again."""
        tasks = _some_tasks(WRITERS)
        requests = [Request("PATCH", f"/api/tasks/{i}/complete", tokens[user]) for user, i in tasks]
        return Ask(requests, self.TASK, _one, [tasks[0][1]])


def walk(port: int, token: str, depth: int) -> str:
    """The cursor behind that many tasks of a user's list, found by following `Link`. `depth` is below 100, or whole
    hundreds."""
    step = min(depth, 100)
    path = f"/api/tasks?limit={step}"
    for _ in range(depth // step):
        answer = fetch(port, Request("GET", path, token))
        path = answer.headers["link"].partition(">")[0].lstrip("<")
    return parse_qs(urlsplit(path).query)["cursor"][0]


@dataclass(frozen=True)
class Names:
    """What a GraphQL schema calls things; `%` in a document stands for the fields of a task."""

    one: str
    list: str
    page: str
    create: str
    toggle: str
    id: str
    input: Callable[[dict[str, str]], dict[str, Any]]

    @property
    def fields(self) -> str:
        """All of a task that REST shows."""
        return f"{self.id} title description completed createdAt updatedAt"


TASKGATE = Names(
    one="query One($id: ID!) { task(id: $id) { % } }",
    list="query List { tasks(first: 50) { nodes { % } pageInfo { hasNextPage endCursor } } }",
    page="query Page($after: String) { tasks(first: 50, after: $after) "
    "{ nodes { % } pageInfo { hasNextPage endCursor } } }",
    create="mutation Create($input: CreateTaskInput!) { createTask(input: $input) { task { % } } }",
    toggle="mutation Toggle($id: ID!) { toggleTask(input: { id: $id }) { task { % } } }",
    id="id",
    input=lambda task: dict(task),
)

POSTGRAPHILE = Names(
    one="query One($id: BigInt!) { taskByRowId(rowId: $id) { % } }",
    list="query List { allTasks(first: 50, orderBy: PRIMARY_KEY_DESC) "
    "{ nodes { % } pageInfo { hasNextPage endCursor } } }",
    page="query Page($after: Cursor) { allTasks(first: 50, after: $after, orderBy: PRIMARY_KEY_DESC) "
    "{ nodes { % } pageInfo { hasNextPage endCursor } } }",
    create="mutation Create($input: CreateTaskInput!) { createTask(input: $input) { task { % } } }",
    toggle="mutation Toggle($id: BigInt!) { toggleTask(input: { taskId: $id }) { result { % } } }",
    id="rowId",
    input=lambda task: {"task": dict(task)},
)


class Graphql:
    """The same by GraphQL."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def _document(self, text: str) -> str:
        return text.replace("%", self._names.fields)

    def _read(self, answer: Any) -> list[int]:
        """The ids of the task, or tasks, that an answer holds."""
        if "errors" in answer:
            return []
        found = next(iter(answer["data"].values()))
        if "nodes" in found:
            return [int(node[self._names.id]) for node in found["nodes"]]
        task = found if self._names.id in found else next(iter(found.values()))
        return [int(task[self._names.id])]

    def _ask(self, requests: Sequence[Request], ids: Sequence[int], field: str = "createdAt") -> Ask:
        return Ask(requests, Expected(200, f'"{field}":"'), self._read, ids)

    def one(self, tokens: Tokens) -> Ask:
        """One task."""
        tasks, query = _some_tasks(READERS), self._document(self._names.one)
        return self._ask([graphql(tokens[user], query, id=str(i)) for user, i in tasks], [tasks[0][1]])

    def list(self, tokens: Tokens) -> Ask:
        """The newest 50 tasks."""
        query = self._document(self._names.list)
        return self._ask([graphql(tokens[user], query) for user in READERS], newest(READERS[0]))

    def two_fields(self, tokens: Tokens) -> Ask:
        """The ids and titles of the newest 50 tasks."""
        query = self._names.list.replace("%", f"{self._names.id} title")
        return self._ask([graphql(tokens[user], query) for user in READERS], newest(READERS[0]), "title")

    def page(self, tokens: Tokens, cursor: Cursor) -> Ask:
        """50 tasks from a place on."""
        query = self._document(self._names.page)
        requests = [graphql(tokens[user], query, after=cursor(user)) for user in MANY]
        return self._ask(requests, newest(MANY[0], DEPTH))

    def create(self, tokens: Tokens) -> Ask:
        """A new task."""
        query = self._document(self._names.create)
        requests = [graphql(tokens[user], query, input=self._names.input(NEW)) for user in WRITERS]
        return Ask(requests, Expected(200, f'"title":"{TITLE}"'))

    def toggle(self, tokens: Tokens) -> Ask:
        """A task completed, or opened again."""
        tasks, query = _some_tasks(WRITERS), self._document(self._names.toggle)
        return self._ask([graphql(tokens[user], query, id=str(i)) for user, i in tasks], [tasks[0][1]])


def postgraphile_cursor(port: int, token: str) -> str:
    """PostGraphile's cursor behind the tasks that come before the page."""
    query = f"{{ allTasks(first: 1, offset: {DEPTH - 1}, orderBy: PRIMARY_KEY_DESC) {{ pageInfo {{ endCursor }} }} }}"
    cursor: str = fetch(port, graphql(token, query)).json()["data"]["allTasks"]["pageInfo"]["endCursor"]
    return cursor
