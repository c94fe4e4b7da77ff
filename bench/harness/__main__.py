"""Measures everything, and writes the results. `bench/run` installs and builds what this needs, and starts it."""

import argparse
import fnmatch
import json
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

from . import chart, growth, machine, report, startup
from .contenders import BENCH, Bench, Programs
from .goals import PAIRS, Found, Pair, Round
from .growth import Growth
from .rows import KEYS, LONG, Field, Row, Rows
from .system import Failed


def main() -> None:
    """Reads the command line and measures."""
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="shorter and fewer rows, under five minutes in all")
    parser.add_argument(
        "--only", metavar="ROWS", default="*", help="what matches of: " + ", ".join([*KEYS, "growth", "startup"])
    )
    parser.add_argument("--no-peers", action="store_true", help="without FastAPI and PostGraphile")
    parser.add_argument(
        "--plain", action="store_true", help="what cargo build --release makes, without a profile; not written down"
    )
    parser.add_argument("--taskgate", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--floor", type=Path, required=True, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    # What is started is ended on SIGTERM as on Ctrl-C.
    signal.signal(signal.SIGTERM, stopped)
    try:
        with ExitStack() as stack:
            run(stack, arguments)
    except Failed as failed:
        sys.exit(f"bench: {failed}")
    except KeyboardInterrupt:
        stopped(signal.SIGINT)


def stopped(number: int, _: object = None) -> NoReturn:
    """Ends the benchmark on a signal."""
    print(f"bench: stopped by {signal.Signals(number).name}", file=sys.stderr, flush=True)
    sys.exit(128 + number)


def run(stack: ExitStack, arguments: argparse.Namespace) -> None:
    """Measures what was asked for. Only a whole run is written down."""
    bench = Bench.prepare(stack, Programs(arguments.taskgate, arguments.floor))
    rounds, seconds = (2, 2) if arguments.quick else (5, 2)

    def wanted(key: str) -> bool:
        is_left_out = arguments.quick and arguments.only == "*" and key in LONG
        return fnmatch.fnmatch(key, arguments.only) and not is_left_out

    ready = startup.ready_ms(bench) if wanted("startup") else None
    rows: list[Row] = []
    if any(map(wanted, KEYS)):
        say("seeding")
        field = Field.start(bench, not arguments.no_peers, arguments.quick)
        rows = [row for row in Rows(bench, field, arguments.quick) if wanted(row.key)]
    measured = [measure_round(number, rows, seconds) for number in range(1, rounds + 1)]
    # A quick run tells these by its rounds.
    paired = {} if arguments.quick else {row.key: measure_pairs(row) for row in rows}
    growth = measure_growth(bench, arguments.quick) if wanted("growth") else {}
    found = Found(measured, paired, growth, ready)
    facts = machine.facts(bench.cluster, not arguments.no_peers)
    page = report.report(found, rows, facts, report.how(arguments.quick, rounds, seconds))
    print(f"\n{page}")
    if arguments.only == "*" and not arguments.no_peers and not arguments.plain:
        (BENCH / "results.md").write_text(page)
        (BENCH / "results.svg").write_text(chart.chart(found.typical))
        plain = {"versions": facts, "quick": arguments.quick, "seconds": seconds, **asdict(found)}
        (BENCH / "results.json").write_text(json.dumps(plain, indent=1) + "\n")


def measure_growth(bench: Bench, quick: bool) -> dict[str, Growth]:
    """What growth costs, on both databases."""
    found = {}
    kinds = (
        {"PostgreSQL": growth.on_postgres} if quick else {"PostgreSQL": growth.on_postgres, "SQLite": growth.on_sqlite}
    )
    for kind, measure in kinds.items():
        say(f"growth on {kind}")
        found[kind] = measure(bench, 1 if quick else 2, 2 if quick else 3)
        print("   ", ", ".join(f"{what}: {ratio:.2f}" for what, ratio in found[kind].ratios().items()), flush=True)
    return found


def measure_round(number: int, rows: Iterable[Row], seconds: int) -> Round:
    """Measures all rows once. Whoever comes has what the one before left behind, so each round begins with another, and
    every second one goes backwards."""
    found: Round = {}
    for row in rows:
        say(f"round {number}: {row.title}")
        labels = list(row.runs)
        first = (number - 1) % len(labels)
        samples = {}
        for label in (labels[first:] + labels[:first])[:: 1 if number % 2 else -1]:
            sample = samples[label] = row.runs[label](seconds)
            print(
                f"    {label:20} {sample.rate:9,.0f}/s   p50 {sample.p50_ms:7.2f} ms   p99 {sample.p99_ms:7.2f} ms",
                flush=True,
            )
        found[row.key] = {label: samples[label] for label in labels}
    return found


def measure_pairs(row: Row) -> dict[str, list[float]]:
    """What is to be known of two contenders beside each other in a row, by the pair's name."""
    return {pair.name: measure_pair(row, pair) for pair in PAIRS if row.key in pair.least}


def measure_pair(row: Row, pair: Pair) -> list[float]:
    """The requests/s of the one to those of the other, pair by pair, the halves of which are as close to each other as can
    be."""
    say(f"{pair.name}: {row.title}")
    ratios = []
    for number in range(pair.times):
        labels = [pair.other, pair.one][:: -1 if number % 2 else 1]
        rates = {label: row.runs[label](1, is_warm=number > 0).rate for label in labels}
        ratios.append(rates[pair.one] / rates[pair.other])
    print("   ", ", ".join(f"{ratio:.2f}" for ratio in ratios), flush=True)
    return ratios


def say(what: str) -> None:
    """Tells how far it is."""
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


if __name__ == "__main__":
    main()
