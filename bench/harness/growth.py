"""What growth costs: a page of 50 of one user's tasks, as there is more around it, and further down the list."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import contenders
from .contenders import Bench
from .http import Request
from .load import measure, write_requests
from .requests import PAGE, Ask, Rest, newest, walk
from .seed import FIRST_USER, LARGE, SMALL, Seed, name
from .system import Server

CONNECTIONS = 1
"""One request at a time: the time of a page, and not of the queue before it."""

USERS = 10
DEEP = LARGE.many_tasks - 80
PLACES = ("small", "large", "many", "near", "deep")


@dataclass(frozen=True)
class Growth:
    """The least p50 of several runs, in ms, on one database.

    Of a user with 50 tasks among 10,000 and among 1,000,000; of a user with 10,080 among the latter; there after 1 and
    after 10,000 tasks.
    """

    small: float
    large: float
    many: float
    near: float
    deep: float

    def ratios(self) -> dict[str, float]:
        """What each kind of growth multiplies the time by."""
        return {
            "table of 10,000 to 1,000,000 tasks": self.large / self.small,
            "user of 50 to 10,000 tasks": self.many / self.large,
            "depth of 1 to 10,000": self.deep / self.near,
        }


def on_postgres(bench: Bench, seconds: int, repeats: int) -> Growth:
    """Growth on PostgreSQL."""
    urls = [bench.filled("small", SMALL), bench.filled("large", LARGE)]
    return _growth(bench, "postgres", urls, seconds, repeats)


def on_sqlite(bench: Bench, seconds: int, repeats: int) -> Growth:
    """Growth on SQLite."""
    urls = [bench.filled_file("small", SMALL), bench.filled_file("large", LARGE)]
    return _growth(bench, "sqlite", urls, seconds, repeats)


def _growth(bench: Bench, kind: str, urls: Sequence[str], seconds: int, repeats: int) -> Growth:
    names = [f"growth-{kind}-{size}" for size in ("small", "large")]
    small, large = (contenders.taskgate(bench, label, url) for label, url in zip(names, urls, strict=True))
    small.wait_ready()
    large.wait_ready()
    places = list(_places(bench, small, large))
    found: list[list[float]] = [[] for _ in places]
    # In turn, so that what else goes on in the machine is the same for all.
    for _ in range(repeats):
        for times, (server, ask, path) in zip(found, places, strict=True):
            sample = measure(server, path, ask.expected, seconds, bench.postmaster, CONNECTIONS)
            times.append(sample.p50_ms)
            print(f"    {path.stem:30} p50 {sample.p50_ms:.3f} ms", flush=True)
    small.stop()
    large.stop()
    return Growth(*map(min, found))


def _places(bench: Bench, small: Server, large: Server) -> Iterator[tuple[Server, Ask, Path]]:
    many = range(FIRST_USER, FIRST_USER + USERS)
    few_small = range(SMALL.users.stop - USERS, SMALL.users.stop)
    few_large = range(LARGE.users.stop - USERS, LARGE.users.stop)
    plans: list[tuple[Server, Seed, range, int]] = [
        (small, SMALL, few_small, 0),
        (large, LARGE, few_large, 0),
        (large, LARGE, many, 0),
        (large, LARGE, many, 1),
        (large, LARGE, many, DEEP),
    ]
    for label, (server, seed, users, depth) in zip(PLACES, plans, strict=True):
        requests = []
        for user in users:
            token = bench.secret.token(name(user))
            place = f"&cursor={walk(server.port, token, depth)}" if depth else ""
            requests.append(Request("GET", f"/api/tasks?limit={PAGE}{place}", token))
        ask = Ask(requests, Rest.TASK, lambda answer: [task["id"] for task in answer], newest(users[0], depth, seed))
        ask.check(server.port)
        path = bench.folder / f"{server.log.stem}-{label}.requests"
        write_requests(path, requests)
        yield server, ask, path
