"""The PostgreSQL that all contenders share, a database each."""

import subprocess
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .system import Failed


@dataclass(frozen=True)
class Cluster:
    """A cluster that `scripts/with-postgres` has started. `server` is its address without a database."""

    server: str

    @classmethod
    def at(cls, url: str) -> "Cluster":
        """The cluster of a URL of any of its databases."""
        return cls(url.rpartition("/")[0])

    def url(self, database: str, scheme: str = "postgres", user: str = "postgres") -> str:
        """The URL of a database, for a driver and a role."""
        host = self.server.rpartition("@")[2]
        return f"{scheme}://{user}@{host}/{database}"

    def sql(self, database: str, *statements: str) -> str:
        """Runs statements, each by itself, and answers what the last one selected."""
        command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)]
        for statement in statements:
            command += ["-c", statement]
        return self._run(command, None)

    def script(self, database: str, path: Path) -> None:
        """Runs a file."""
        self._run(["psql", "-Xqb", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-f", str(path)], None)

    def copy(self, database: str, target: str, lines: Iterable[str]) -> None:
        """Writes lines in COPY's text format into a table."""
        command = ["psql", "-Xqb", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", f"COPY {target} FROM STDIN"]
        self._run(command, lines)

    @staticmethod
    def _run(command: list[str], lines: Iterable[str] | None) -> str:
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
            assert process.stdin
            with suppress(BrokenPipeError):  # What went wrong is told below.
                process.stdin.writelines(lines or ())
            answer, error = process.communicate()
        if process.returncode:
            raise Failed(f"{' '.join(command)}: {error}")
        return answer.strip()

    def postmaster(self) -> int:
        """The process whose descendants all of the server's processes are."""
        folder = self.sql("postgres", "SHOW data_directory")
        return int(Path(folder, "postmaster.pid").read_text().split()[0])

    def settings(self) -> str:
        """What of its settings matters for how long a commit takes."""
        names = "fsync, synchronous_commit, full_page_writes, wal_sync_method, shared_buffers, max_connections"
        each = f"unnest(string_to_array('{names}', ', ')) AS name"
        return self.sql("postgres", f"SELECT string_agg(name || ' = ' || current_setting(name), ', ') FROM {each}")

    def version(self) -> str:
        """The server's version."""
        return self.sql("postgres", "SHOW server_version")
