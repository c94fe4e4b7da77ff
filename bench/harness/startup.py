"""How long a start takes on SQLite, until the service says that it is ready."""

import statistics
from pathlib import Path

from . import contenders
from .contenders import Bench
from .seed import STANDARD
from .system import Server, free_port


def ready_ms(bench: Bench, times: int = 9) -> float:
    """The median, in milliseconds from the start of the process to its first 200 at /readyz."""
    url = bench.filled_file("startup", STANDARD)
    found = []
    for _ in range(times):
        port = free_port()
        command: list[str | Path] = [bench.programs.taskgate, "serve"]
        server = Server.start("startup", command, port, contenders.taskgate_env(bench, url, port), bench.folder)
        try:
            found.append(server.wait_ready() * 1000)
        finally:
            server.stop()
    return statistics.median(found)
