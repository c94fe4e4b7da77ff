"""Measures everything, and writes the results. `bench/run` installs and builds what this needs, and starts it."""

import argparse
import fnmatch
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from .contenders import BENCH, Bench
from .load import Sample
from .postgres import Cluster
from .rows import Field, Row, Rows
from .system import Failed
from .tokens import Ed25519, KeyServer, Secret

Round = dict[str, dict[str, Sample]]
"""What each contender did in each row."""


def main() -> None:
    """Reads the command line and measures."""
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter and fewer rows, under five minutes in all")
    parser.add_argument("--only", metavar="ROWS", default="*", help="the rows whose keys match, such as '*-rest'")
    parser.add_argument("--no-peers", action="store_true", help="without FastAPI and PostGraphile")
    arguments = parser.parse_args()
    # What is started is ended on SIGTERM as on Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with ExitStack() as stack:
            run(stack, arguments)
    except Failed as failed:
        sys.exit(f"bench: {failed}")
    except KeyboardInterrupt:
        sys.exit(130)


def run(stack: ExitStack, arguments: argparse.Namespace) -> None:
    """Measures what was asked for."""
    # Not in /tmp, which may be in memory: a commit is to reach a disk.
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="taskgate-bench.", dir="/var/tmp")))
    cluster = Cluster.at(os.environ["TASKGATE_TEST_POSTGRES_URL"])
    key = Ed25519(folder)
    keys = KeyServer(key)
    stack.callback(keys.stop)
    bench = Bench(cluster, folder, stack, Secret(), key, keys, cluster.postmaster())
    say("seeding")
    field = Field.start(bench, not arguments.no_peers, arguments.quick)
    rows = [row for row in Rows(bench, field, arguments.quick) if fnmatch.fnmatch(row.key, arguments.only)]
    rounds = [measure_round(number, rows, 2 if arguments.quick else 5) for number in (1, 2)]
    (BENCH / "results.json").write_text(json.dumps([plain(round) for round in rounds], indent=1) + "\n")


def measure_round(number: int, rows: Iterable[Row], seconds: int) -> Round:
    """Measures all rows once."""
    found: Round = {}
    for row in rows:
        say(f"round {number}: {row.title}")
        found[row.key] = {}
        for label, measure in row.runs.items():
            sample = found[row.key][label] = measure(seconds)
            print(f"    {label:20} {sample.rate:9,.0f}/s   p50 {sample.p50_ms:7.2f} ms   p99 {sample.p99_ms:7.2f} ms", flush=True)
    return found


def plain(round: Round) -> dict[str, dict[str, dict[str, float | None]]]:
    """A round as JSON has it."""
    return {key: {label: asdict(sample) for label, sample in samples.items()} for key, samples in round.items()}


def say(what: str) -> None:
    """Tells how far it is."""
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


if __name__ == "__main__":
    main()
