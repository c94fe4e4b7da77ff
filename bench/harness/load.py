"""Load by wrk and pgbench, and what it finds."""

import statistics
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .http import Request
from .postgres import Cluster
from .system import Failed, Meter, Server, resident_mb

SCRIPT = Path(__file__).parent.parent / "requests.lua"
CONNECTIONS = 32


@dataclass(frozen=True)
class Sample:
    """What one contender did in one row.

    CPU is in seconds for each 10,000 requests, and None where it is nobody's. `others` is the share of the machine that
    was used by whoever had nothing to do with it.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    server_cpu: float | None
    database_cpu: float | None
    resident_mb: float | None
    others: float


@dataclass(frozen=True)
class Expected:
    """What each answer must be: its status, and a text in its body."""

    status: int
    marker: str


@dataclass(frozen=True)
class _Result:
    requests: int
    seconds: float
    bytes: int
    p50_ms: float
    p99_ms: float


def write_requests(path: Path, requests: Sequence[Request]) -> None:
    """Writes requests as `requests.lua` reads them."""
    encoded = (request.encode() for request in requests)
    path.write_bytes(b"".join(b"%d\n%s" % (len(data), data) for data in encoded))


def measure(
    server: Server,
    requests: Path,
    expected: Expected,
    seconds: int,
    postmaster: int,
    connections: int = CONNECTIONS,
    is_warm: bool = False,
) -> Sample:
    """Warms up for a second, in which each answer is looked at, then measures. What is warm is only measured.

    Raises `Failed` on any error, on any wrong answer in the warm-up, and where the answers that were measured are not
    as long as those.
    """
    warm = None if is_warm else _wrk(server, requests, 1, connections, expected)
    meter = Meter(server.process.pid, postmaster)
    result = _wrk(server, requests, seconds, connections, None)
    used, others = meter.read()
    if warm:
        length, warm_length = result.bytes / result.requests, warm.bytes / warm.requests
        if abs(length / warm_length - 1) > 0.03:
            raise Failed(f"{server.log.stem}: answers of {length:.0f} bytes, after {warm_length:.0f} in the warm-up")
    resident = resident_mb(server.process.pid)
    server.forget_log()
    own, database = (seconds / result.requests * 10_000 for seconds in used)
    return Sample(result.requests / result.seconds, result.p50_ms, result.p99_ms, own, database, resident, others)


def send(server: Server, path: Path, requests: Sequence[Request], seconds: int) -> None:
    """Sends requests in turn for so many seconds. Raises `Failed` when an answer is an error."""
    write_requests(path, requests)
    _wrk(server, path, seconds, CONNECTIONS, None)


def _wrk(server: Server, requests: Path, seconds: int, connections: int, expected: Expected | None) -> _Result:
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", SCRIPT, f"http://127.0.0.1:{server.port}"]
    command += ["--", requests]
    if expected:
        command += [str(expected.status), expected.marker]
    run = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    lines = dict(line.split(" ", 1) for line in run.stdout.splitlines() if line.startswith(("result ", "wrong ")))
    if run.returncode or "result" not in lines:
        raise Failed(f"wrk: {run.stderr or run.stdout}")
    count, micros, size, p50, p99, errors, wrong = map(int, lines["result"].split())
    if errors or wrong or not count:
        what = lines.get("wrong", "")
        raise Failed(f"{server.log.stem}: {errors} errors, {wrong} wrong of {count} answers. {what}\n{server.tail()}")
    return _Result(count, micros / 1e6, size, p50 / 1000, p99 / 1000)


def pgbench(cluster: Cluster, database: str, script: Path, seconds: int, postmaster: int) -> Sample:
    """The statement of a script by as many clients, each on a connection of its own, prepared once."""
    with tempfile.TemporaryDirectory() as folder:
        prefix = Path(folder, "log")
        command = ["pgbench", "-n", "-M", "prepared", f"-c{CONNECTIONS}", "-j1", f"-T{seconds}", "-f", script]
        command += ["-l", "--sampling-rate=0.1", f"--log-prefix={prefix}", cluster.url(database)]
        meter = Meter(postmaster)
        run = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        (used,), others = meter.read()
        found = dict(line.split(": ", 1) for line in run.stdout.splitlines() if ": " in line)
        if run.returncode or found.get("number of failed transactions", "0").split()[0] != "0":
            raise Failed(f"pgbench: {run.stderr}")
        rate = float(next(line for line in run.stdout.splitlines() if line.startswith("tps")).split()[2])
        logs = (line.split() for log in Path(folder).iterdir() for line in log.read_text().splitlines())
        times = sorted(int(fields[2]) / 1000 for fields in logs)
        count = int(found["number of transactions actually processed"].split("/")[0])
    cuts = statistics.quantiles(times, n=100)
    return Sample(rate, cuts[49], cuts[98], None, used / count * 10_000, None, others)
