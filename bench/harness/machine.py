"""On what was measured: the machine, and the versions of all that took part."""

import json
import os
import platform
import re
import subprocess
from pathlib import Path

from .contenders import BENCH, FASTAPI, POSTGRAPHILE
from .postgres import Cluster
from .system import output

Facts = dict[str, str]
"""What there is, and what of it."""


def facts(cluster: Cluster, with_peers: bool) -> Facts:
    """The machine and the versions."""
    found = {
        "machine": f"{os.cpu_count()} cores, {_cpu()}, {_memory_gb():.0f} GB; Linux {platform.release()}, {_system()}",
        "taskgate": f"{_commit()}, {output('rustc', '--version').partition(' (')[0]}",
        "floor": ", ".join(
            f"{crate} {_locked(crate)}" for crate in ("axum", "tokio-postgres", "jsonwebtoken", "tokio")
        ),
        "PostgreSQL": f"{cluster.version()}; {cluster.settings()}",
        "wrk": subprocess.run(["wrk", "--version"], capture_output=True, text=True).stdout.partition(" [")[0],
    }
    if with_peers:
        found["FastAPI"] = f"{_python_packages()}, {output(str(FASTAPI / 'python'), '--version')}"
        found["PostGraphile"] = _node_packages()
    return found


def _cpu() -> str:
    match = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return match[1] if match else platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _system() -> str:
    match = re.search(r'^PRETTY_NAME="(.+)"$', Path("/etc/os-release").read_text(), re.MULTILINE)
    return match[1] if match else "unknown"


def _commit() -> str:
    """The commit that was measured; what the last run wrote does not make it another."""
    git = ["git", "-C", str(BENCH.parent)]
    changed = output(*git, "status", "--porcelain", "--", ".", ":!bench/results.*")
    return f"commit {output(*git, 'rev-parse', '--short=12', 'HEAD')}{' and what was not committed' if changed else ''}"


def _locked(crate: str) -> str:
    lock = (BENCH / "floor/Cargo.lock").read_text()
    match = re.search(rf'^name = "{crate}"\nversion = "(.+)"$', lock, re.MULTILINE)
    return match[1] if match else "?"


def _python_packages() -> str:
    pinned = dict(line.split("==") for line in (BENCH / "peers/fastapi/requirements.txt").read_text().split())
    names = ("fastapi", "sqlmodel", "SQLAlchemy", "asyncpg", "PyJWT", "uvicorn", "uvloop", "httptools")
    return ", ".join(f"{name} {pinned[name]}" for name in names)


def _node_packages() -> str:
    package = json.loads((POSTGRAPHILE / "node_modules/postgraphile/package.json").read_text())
    return (
        f"postgraphile {package['version']}, Node {output(str(POSTGRAPHILE / 'node_modules/.bin/node'), '--version')}"
    )
