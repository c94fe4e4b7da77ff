"""The results as a page for people."""

import statistics
from collections.abc import Mapping, Sequence

from .goals import PAIRS, Found, Goal, goals
from .growth import Growth
from .load import CONNECTIONS, Sample
from .machine import Facts
from .rows import FASTAPI_1, FASTAPI_2, FLOOR, PG, PGBENCH, Row

HEAD = """\
# Results

Written by `bench/run`. Load generator, contenders and PostgreSQL share one machine, so only ratios carry over to
another.

taskgate is measured as `taskgate serve` with its defaults: the log at `info` in a file, metrics on, an acknowledged
change on the disk; only the rate limit is as high as it can be set. It is the program that `scripts/build` makes, compiled
by a profile of its use. The floor is a service written by hand for nothing but speed (`bench/floor`), compiled in the same
way; the peers are as their users would write them (`bench/peers`), and pgbench sends the bare statements on 32
connections. Each has a database of its own with the same 100,000 tasks of 1,000 users."""

ABOUT_ROWS = """\
The last column is taskgate's requests/s on PostgreSQL with HS256 tokens, divided by the line's in the same round; lines in
parentheses are of the REST row, for comparison, and the floor answers by REST in all rows. CPU is in seconds for 10,000
requests, of the server with its workers and, apart, of PostgreSQL's processes; memory is resident after the row."""

ABOUT_PAIRS = """\
Two who hardly differ, in pairs of a second each, one right after the other: the requests/s of the first divided by those of
the second, of the pairs that were measured the median and the middle half. The goals for them go by this."""

NOISE = 0.05
"""The share of the machine beyond which others disturb."""

BESIDE = {
    "one-graphql": "one-rest",
    "list-graphql": "list-rest",
    "two-fields-graphql": "list-rest",
    "page-graphql": "page-rest",
    "create-graphql": "create-rest",
    "toggle-graphql": "toggle-rest",
}
"""Rows by GraphQL, and the rows whose floor and peers they are compared with as well."""


def report(found: Found, rows: Sequence[Row], facts: Facts, how: str) -> str:
    """The page. `how` says how long was measured, and what was left out."""
    parts = [
        HEAD,
        f"{how}\n{_others(found)}",
        "![requests per second](results.svg)",
        "## Goals",
        _goals(list(goals(found))),
    ]
    parts += ["## Rows", ABOUT_ROWS]
    for row in rows:
        parts += [f"### {row.title}", _row(found, row.key)]
    if any(found.pairs.values()):
        parts += ["## Pairs", ABOUT_PAIRS, _pairs(found, {row.key: row.title for row in rows})]
    if found.growth:
        parts += ["## Growth", _growth(found.growth)]
    parts += ["## Versions", _table(("", ""), [list(fact) for fact in facts.items()])]
    return "\n\n".join(parts) + "\n"


def _others(found: Found) -> str:
    """How far to trust the figures."""
    shares = sorted(
        sample.others for found_round in found.rounds for row in found_round.values() for sample in row.values()
    )
    if not shares:
        return ""
    least, median, most = shares[0], shares[len(shares) // 2], shares[-1]
    text = (
        f"What had nothing to do with it used {least:.0%} to {most:.0%} of the machine meanwhile, {median:.0%} in the "
        "median."
    )
    return f"**The machine was not idle.** {text}" if median > NOISE else text


def _table(head: Sequence[str], lines: Sequence[Sequence[str]], numbers: bool = False) -> str:
    """A table; but for the first, columns of numbers are set to the right."""
    rule = ["---"] + ["--:" if numbers else "---"] * (len(head) - 1)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, rule, *lines])


def _goals(goals: Sequence[Goal]) -> str:
    words = {True: "met", False: "**missed**", None: "not measured"}
    lines = [
        [goal.what, f"{'≥' if goal.at_least else '≤'} {goal.bound:g}{goal.unit}", _figure(goal), words[goal.is_met]]
        for goal in goals
    ]
    return _table(("", "goal", "measured", ""), lines)


def _figure(goal: Goal) -> str:
    return (
        ""
        if goal.measured is None
        else f"{goal.measured:.2f}{goal.unit}"
        if goal.measured < 10
        else f"{goal.measured:.0f}{goal.unit}"
    )


def _row(found: Found, key: str) -> str:
    rows = found.typical
    lines = [_line(label, sample, found.ratio((key, PG), (key, label))) for label, sample in rows[key].items()]
    other = BESIDE.get(key, "")
    for label in (FLOOR, FASTAPI_1, FASTAPI_2, PGBENCH):
        if label not in rows[key] and (sample := rows.get(other, {}).get(label)):
            lines.append(_line(f"({label})", sample, found.ratio((key, PG), (other, label))))
    head = ("", "requests/s", "p50 ms", "p99 ms", "CPU s", "PostgreSQL CPU s", "memory MB", "taskgate ÷")
    return _table(head, lines, numbers=True)


def _line(label: str, sample: Sample, of_taskgate: float | None) -> list[str]:
    def optional(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    return [
        label,
        f"{sample.rate:,.0f}",
        f"{sample.p50_ms:.2f}",
        f"{sample.p99_ms:.2f}",
        optional(sample.server_cpu, ".2f"),
        optional(sample.database_cpu, ".2f"),
        optional(sample.resident_mb, ".0f"),
        optional(of_taskgate, ".2f"),
    ]


def _pairs(found: Found, titles: Mapping[str, str]) -> str:
    lines = []
    for pair in PAIRS:
        for key, title in titles.items():
            if ratios := found.pairs.get(key, {}).get(pair.name):
                low, _, high = statistics.quantiles(ratios, n=4)
                median = f"{found.beside(key, pair):.2f}"
                lines.append([f"{pair.name}: {title}", f"{len(ratios)}", median, f"{low:.2f} to {high:.2f}"])
    return _table(("", "pairs", "median", "middle half"), lines, numbers=True)


def _growth(growth: dict[str, Growth]) -> str:
    head = ("p50 in ms of 50 tasks by REST, one request at a time", *growth)
    names = {
        "small": "a user with 50 tasks, among 10,000",
        "large": "a user with 50 tasks, among 1,000,000",
        "many": "a user with 10,080 tasks, among 1,000,000",
        "near": "that user's tasks after the newest 1, by cursor",
        "deep": "that user's tasks after the newest 10,000, by cursor",
    }
    lines = [[what, *(f"{getattr(found, name):.3f}" for found in growth.values())] for name, what in names.items()]
    return _table(head, lines, numbers=True)


def how(quick: bool, rounds: int, seconds: int) -> str:
    """How it was measured."""
    text = (
        f"`wrk -t1 -c{CONNECTIONS}`, {seconds} s a row after a second of warm-up, {rounds} rounds, each of which begins\n"
        "rows with another contender, and every second one goes through them backwards. Each figure is the median of the\n"
        "rounds', and so is each ratio, of two that were measured in the same round; all are in\n"
        "`results.json`."
    )
    return f"**This was a quick run**: short rows, and some left out.\n\n{text}" if quick else text
