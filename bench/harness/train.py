"""What a service is used for, in short: for a compiler that is told how an earlier build was used."""

import argparse
import base64
import json
import os
import socket
import threading
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from . import contenders
from .contenders import Bench, Programs
from .http import Request, fetch, graphql
from .load import Expected, send
from .requests import DEPTH, MANY, NEW, READERS, TASKGATE, WRITERS, Ask, Graphql, Rest, Tokens, walk
from .seed import STANDARD, name
from .system import Failed, Server

SECONDS = 2
"""How long each kind of work is done."""

FIELDS = "id title description completed createdAt updatedAt revision"

BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept": "application/json",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Origin": "http://localhost:5173",
    "Sec-Fetch-Mode": "cors",
}
"""What browsers send beside what they are asked to."""

FOLLOW = (
    "subscription { taskChanges { "
    f"... on TaskUpserted {{ revision task {{ {FIELDS} }} }} ... on TaskDeleted {{ revision taskId }} }} }}"
)


def main() -> None:
    """Reads the command line and works."""
    parser = argparse.ArgumentParser(prog="bench/train", description=__doc__)
    parser.add_argument("--tables-by", type=Path, metavar="TASKGATE", help="who makes the tables that the floor needs")
    parser.add_argument("--quick", action="store_true", help="only look at the answers")
    parser.add_argument("kind", choices=("taskgate", "floor"))
    parser.add_argument("program", type=Path)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        try:
            programs = Programs((arguments.tables_by or arguments.program).resolve(), arguments.program.resolve())
            train = train_taskgate if arguments.kind == "taskgate" else train_floor
            train(Bench.prepare(stack, programs), 0 if arguments.quick else SECONDS)
        except Failed as failed:
            raise SystemExit(f"train: {failed}") from None


def train_taskgate(bench: Bench, seconds: int) -> None:
    """What taskgate does, on both databases and with both kinds of tokens."""
    databases = {"postgres": bench.filled("trained", STANDARD), "sqlite": bench.filled_file("trained", STANDARD)}
    for label, url in databases.items():
        with ending(contenders.taskgate(bench, label, url)) as server:
            for sign in (bench.secret.token, bench.key.token):
                tokens = _tokens(sign)
                work(bench, server, [*_simple(tokens), *_more(tokens, server.port)], seconds)
            tokens = _tokens(bench.secret.token)
            for request in _mixed_of(WRITERS[0], tokens[WRITERS[0]]):
                # Compressed errors would not be seen.
                look(server, replace(request, headers=None), range(200, 300))
            work(bench, server, [_mixed(tokens)], seconds)
            with followers(server, tokens):
                work(bench, server, [Rest().create(tokens), Rest().toggle(tokens)], max(seconds, 1))
            for request, status in _refused(tokens) * (25 * seconds + 1):
                look(server, request, [status])


def train_floor(bench: Bench, seconds: int) -> None:
    """What the floor does."""
    with ending(contenders.floor(bench, bench.filled("trained", STANDARD))) as server:
        for sign in (bench.secret.token, bench.key.token):
            work(bench, server, _simple(_tokens(sign)), seconds)


@contextmanager
def ending(server: Server) -> Iterator[Server]:
    """A server that is ready, and afterwards ends by itself: what it has counted is written then."""
    server.wait_ready()
    yield server
    server.stop()
    if server.process.returncode:
        raise Failed(f"{server.log.stem} did not end by itself:\n{server.tail()}")


def work(bench: Bench, server: Server, asks: Sequence[Ask], seconds: int) -> None:
    """Sends what is asked, one kind after the other, for so many seconds each."""
    for ask in asks:
        ask.check(server.port)
        if seconds:
            send(server, bench.folder / "requests", ask.requests, seconds)
        server.forget_log()


def look(server: Server, request: Request, statuses: Container[int]) -> None:
    """Sends a request on a connection of its own. Raises `Failed` when another answer comes."""
    answer = fetch(server.port, request)
    if answer.status not in statuses or (answer.status == 200 and b'"errors":' in answer.body):
        raise Failed(f"{request.method} {request.path} {request.body}: {answer.status} {answer.body[:500]!r}")


def _tokens(sign: Callable[[str], str]) -> Tokens:
    return {user: sign(name(user)) for user in [*MANY, *READERS, *WRITERS]}


def _simple(tokens: Tokens) -> list[Ask]:
    """What the floor can do as well."""
    rest = Rest()
    return [rest.one(tokens), rest.list(tokens), rest.create(tokens), rest.toggle(tokens)]


def _more(tokens: Tokens, port: int) -> list[Ask]:
    """What taskgate is asked for most, beside that."""
    ours = Graphql(TASKGATE)
    pages = Rest().page(tokens, lambda user: f"cursor={walk(port, tokens[user], DEPTH)}")
    reads = [pages, Rest().unchanged(tokens, port), ours.one(tokens), ours.list(tokens), ours.two_fields(tokens)]
    return [*reads, ours.create(tokens), ours.toggle(tokens)]


def _mixed(tokens: Tokens) -> Ask:
    """All the rest, in turn, as browsers send it."""
    requests = [request for user in WRITERS for request in _mixed_of(user, tokens[user])]
    return Ask(requests, Expected(200, '"created_at":"'))


def _mixed_of(user: int, token: str) -> Iterator[Request]:
    first, second, third = (STANDARD.task_id(user, number) for number in (20, 21, 22))

    def rest(method: str, path: str, body: object = None, **headers: str) -> Request:
        return Request(method, f"/api/tasks{path}", token, body, BROWSER | headers)

    def ql(query: str, **variables: object) -> Request:
        asked = graphql(token, query, **variables)
        return Request(asked.method, asked.path, token, asked.body, BROWSER)

    yield Request("GET", "/api/tasks?sort=-updated_at&limit=5", token)
    yield rest("GET", "?limit=50")
    yield rest("GET", "")
    yield rest("GET", "?limit=20&status=pending&sort=title")
    yield rest("GET", "?limit=20&search=Task%2041&status=all")
    yield rest("GET", f"/{first}")
    yield rest("PUT", f"/{first}", {"title": "Buy “milk”", "description": None})
    yield rest("PATCH", f"/{second}/complete", {"completed": True})
    yield rest("POST", "", NEW, **{"Idempotency-Key": f'"{user}"'})
    changes = [{"op": "create", "title": "Rye"}, {"op": "update", "id": first, "title": "Oats"}]
    yield rest("POST", "/bulk", changes)
    yield rest("GET", "/changes?since=0&limit=50")
    yield rest("GET", "/trash?limit=10")
    yield rest("POST", f"/{first}/restore")
    yield ql("{ viewer { id revision taskCounts { total pending completed } } }")
    yield ql(
        "query Home($first: Int!, $filter: TaskFilter, $wanted: Boolean!) { tasks(first: $first, filter: $filter, "
        "orderBy: { field: TITLE, direction: ASC }) { totalCount revision edges { cursor node { ...task } } "
        f"pageInfo {{ hasPreviousPage startCursor }} }} again: tasks(last: 5) {{ nodes {{ ...task }} }} }} "
        f"fragment task on Task {{ __typename {FIELDS} databaseId @include(if: $wanted) }}",
        first=20,
        filter={"status": "PENDING", "search": "task"},
        wanted=True,
    )
    yield ql(
        "query Since($after: Revision!) { taskChanges(after: $after, first: 50) { nodes { __typename "
        f"... on TaskUpserted {{ task {{ {FIELDS} }} }} ... on TaskDeleted {{ taskId }} }} revision }} }}",
        after="0",
    )
    yield ql("{ deletedTasks(first: 10) { nodes { deletedAt task { id title } } } }")
    yield ql(
        "mutation Edit($input: UpdateTaskInput!) { updateTask(input: $input) { task { id title revision } } }",
        input={"id": str(first), "title": "Rye", "completed": False},
    )
    yield ql(
        "mutation Away($id: ID!) { deleteTask(input: { id: $id }) { deletedTaskId revision } "
        "restoreTask(input: { id: $id }) { task { id } } }",
        id=str(third),
    )
    yield ql(
        "mutation Many($input: ChangeTasksInput!) { changeTasks(input: $input) { results { revision task { id } } } }",
        input={"changes": [{"create": NEW}, {"setCompleted": {"id": str(second), "completed": False}}]},
    )
    yield Request("GET", "/health", token)


def _refused(tokens: Tokens) -> list[tuple[Request, int]]:
    """What is refused, and how."""
    mine, other = WRITERS[0], WRITERS[1]
    token = tokens[mine]
    return [
        (Request("GET", "/api/tasks/0", token), 404),
        (Request("GET", f"/api/tasks/{STANDARD.task_id(other, 1)}", token), 403),
        (Request("GET", "/api/tasks?limit=0", token), 422),
        (Request("GET", "/nowhere", token), 404),
        (Request("GET", "/api/tasks", f"{token}x"), 401),
        (Request("DELETE", "/graphql", token), 405),
    ]


@contextmanager
def followers(server: Server, tokens: Tokens) -> Iterator[None]:
    """Users who hear of what they change, by each of the ways. Each has to hear something."""
    ways = (_by_rest, _by_sse, _by_websocket)
    heard = dict.fromkeys(WRITERS[:30], 0)
    with ExitStack() as stack:
        connections, threads = [], []
        for number, user in enumerate(heard):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
            connection.sendall(ways[number % len(ways)](tokens[user]))
            connections.append(connection)
            threads.append(threading.Thread(target=_listen, args=(connection, heard, user)))
            threads[-1].start()
        yield
        for connection, thread in zip(connections, threads, strict=True):
            connection.shutdown(socket.SHUT_RDWR)
            thread.join()
    if deaf := [ways[number % len(ways)].__name__ for number, user in enumerate(heard) if not heard[user]]:
        raise Failed(f"{server.log.stem}: nothing was heard {', '.join(deaf)}\n{server.tail()}")


def _listen(connection: socket.socket, heard: dict[int, int], user: int) -> None:
    with suppress(OSError):
        while data := connection.recv(65536):
            heard[user] += data.count(b"updated")


def _by_rest(token: str) -> bytes:
    return Request("GET", "/api/tasks/events", token, headers={"Accept": "text/event-stream"}).encode()


def _by_sse(token: str) -> bytes:
    headers = {"Accept": "text/event-stream"}
    return Request("POST", "/graphql", token, {"query": FOLLOW}, headers).encode()


def _by_websocket(token: str) -> bytes:
    """A handshake and two messages, sent without waiting for the answers to the first."""
    key = base64.b64encode(os.urandom(16)).decode()
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
    upgrade |= {"Sec-WebSocket-Protocol": "graphql-transport-ws"}
    hello = {"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}
    subscribe = {"type": "subscribe", "id": "1", "payload": {"query": FOLLOW}}
    return Request("GET", "/graphql", token, headers=upgrade).encode() + _message(hello) + _message(subscribe)


def _message(content: object) -> bytes:
    """A text message of a client (RFC 6455, section 5.2), masked with zeros."""
    text = json.dumps(content).encode()
    size = bytes([0x80 | len(text)]) if len(text) < 126 else bytes([0x80 | 126]) + len(text).to_bytes(2)
    return b"\x81" + size + bytes(4) + text


if __name__ == "__main__":
    main()
