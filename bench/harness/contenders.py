"""Those who are measured: how each is set up and started."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from . import seed
from .postgres import Cluster
from .seed import STANDARD, Seed
from .system import Failed, Server, free_port
from .tokens import Ed25519, KeyServer, Secret

BENCH = Path(__file__).parent.parent
FASTAPI = BENCH / ".cache/fastapi/bin"
POSTGRAPHILE = BENCH / "peers/postgraphile"

MOST_POINTS = "1000000"
"""The largest rate limit there is but `off`, in points a minute for each user."""


@dataclass(frozen=True)
class Programs:
    """What is measured of ours."""

    taskgate: Path
    floor: Path


@dataclass
class Bench:
    """What all contenders share. Whatever is started is ended with `stack`."""

    programs: Programs
    cluster: Cluster
    folder: Path
    stack: ExitStack
    secret: Secret
    key: Ed25519
    keys: KeyServer
    postmaster: int

    @classmethod
    def prepare(cls, stack: ExitStack, programs: Programs) -> "Bench":
        """All of it, beside the PostgreSQL of `scripts/with-postgres`."""
        # Not in /tmp, which may be in memory: a commit is to reach a disk.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="taskgate-bench.", dir="/var/tmp")))
        cluster = Cluster.at(os.environ["TASKGATE_TEST_POSTGRES_URL"])
        key = Ed25519(folder)
        keys = KeyServer(key)
        stack.callback(keys.stop)
        return cls(programs, cluster, folder, stack, Secret(), key, keys, cluster.postmaster())

    def started(self, name: str, command: list[str | Path], port: int, env: Mapping[str, str]) -> Server:
        """Starts a program that ends with the benchmark, and waits until it is ready."""
        server = Server.start(name, command, port, env, self.folder)
        self.stack.callback(server.stop)
        return server

    def migrate(self, url: str) -> None:
        """Makes taskgate's tables."""
        command: list[str | Path] = [self.programs.taskgate, "migrate", "run"]
        process = Server.start("migrate", command, 0, {"DATABASE_URL": url}, self.folder)
        if process.process.wait(60):
            raise Failed(process.tail())

    def filled(self, database: str, seed_of: Seed) -> str:
        """The URL of a new PostgreSQL database with taskgate's tables and the tasks of a seed."""
        self.cluster.sql("postgres", f"CREATE DATABASE {database}")
        self.migrate(self.cluster.url(database))
        seed.fill_taskgate(self.cluster, database, seed_of)
        return self.cluster.url(database)

    def copied(self, template: str, database: str) -> str:
        """The URL of a copy of a database that nobody is connected to."""
        self.cluster.sql("postgres", f"CREATE DATABASE {database} TEMPLATE {template}")
        return self.cluster.url(database)

    def filled_file(self, name: str, seed_of: Seed) -> str:
        """The URL of a new SQLite database with taskgate's tables and the tasks of a seed."""
        url = f"sqlite://{self.folder}/{name}.db"
        self.migrate(url)
        seed.fill_sqlite(self.folder / f"{name}.db", seed_of)
        return url


def taskgate_env(bench: Bench, url: str, port: int) -> dict[str, str]:
    """The measured configuration: `serve` with its defaults, metrics on, and a rate limit that nobody meets."""
    return {
        "DATABASE_URL": url,
        "LISTEN": f"127.0.0.1:{port}",
        "BETTER_AUTH_SECRET": bench.secret.text,
        "JWKS_URL": bench.keys.url,
        "TASKGATE_ADMIN_LISTEN": "127.0.0.1:0",
        "TASKGATE_RATE_LIMIT": MOST_POINTS,
    }


def taskgate(bench: Bench, name: str, url: str) -> Server:
    """`taskgate serve` on a database."""
    port = free_port()
    return bench.started(name, [bench.programs.taskgate, "serve"], port, taskgate_env(bench, url, port))


def floor(bench: Bench, url: str) -> Server:
    """The floor on a database of taskgate's."""
    port = free_port()
    env = {
        "DATABASE_URL": url,
        "LISTEN": f"127.0.0.1:{port}",
        "BETTER_AUTH_SECRET": bench.secret.text,
        "FLOOR_ED25519": bench.key.public,
    }
    return bench.started("floor", [bench.programs.floor], port, env)


def fill_fastapi(bench: Bench) -> None:
    """The table of FastAPI's contenders, which they share: they never write at the same time."""
    bench.cluster.sql("postgres", "CREATE DATABASE fastapi")
    bench.cluster.script("fastapi", BENCH / "peers/fastapi/schema.sql")
    seed.fill_peer(bench.cluster, "fastapi", "task", STANDARD)


def fastapi(bench: Bench, workers: int) -> Server:
    """FastAPI by uvicorn."""
    port = free_port()
    env = {
        "DATABASE_URL": bench.cluster.url("fastapi", "postgresql+asyncpg"),
        "BETTER_AUTH_SECRET": bench.secret.text,
    }
    command: list[str | Path] = [FASTAPI / "uvicorn", "--app-dir", BENCH / "peers/fastapi", "--port", str(port)]
    command += ["--loop", "uvloop", "--http", "httptools", "--workers", str(workers), "app:app"]
    return bench.started(f"fastapi-{workers}", command, port, env)


def fill_postgraphile(bench: Bench) -> None:
    """PostGraphile's table, and the role that its policy holds for."""
    bench.cluster.sql("postgres", "CREATE ROLE visitor LOGIN", "CREATE DATABASE postgraphile")
    bench.cluster.script("postgraphile", POSTGRAPHILE / "schema.sql")
    seed.fill_peer(bench.cluster, "postgraphile", "tasks", STANDARD)


def postgraphile(bench: Bench) -> Server:
    """PostGraphile on npm's own Node."""
    port = free_port()
    env = {
        "DATABASE_URL": bench.cluster.url("postgraphile", user="visitor"),
        "BETTER_AUTH_SECRET": bench.secret.text,
        "PORT": str(port),
        "NODE_ENV": "production",
        "GRAPHILE_ENV": "production",
    }
    return bench.started(
        "postgraphile", [POSTGRAPHILE / "node_modules/.bin/node", POSTGRAPHILE / "server.mjs"], port, env
    )
