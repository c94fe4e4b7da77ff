"""The goals, and whether they were met."""

import statistics
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass

from .growth import Growth
from .load import Sample
from .rows import FASTAPI_1, FLOOR, PG, PG_EDDSA, POSTGRAPHILE_1, SQLITE

Round = dict[str, dict[str, Sample]]
"""What each contender did in each row."""


@dataclass(frozen=True)
class Pair:
    """Two contenders that hardly differ, and by row how much the one has to do of what the other does.

    What a round tells of them is mostly what the machine did meanwhile. So there are `times` pairs of a second each, one
    right after the other.
    """

    one: str
    other: str
    times: int
    least: Mapping[str, float]

    @property
    def name(self) -> str:
        """What it is called in the results."""
        return f"{self.one} ÷ {self.other}"


OF_FLOOR = Pair(
    PG,
    FLOOR,
    30,
    {
        "one-rest": 0.85,
        "list-rest": 0.75,
        "one-graphql": 0.70,
        "list-graphql": 0.65,
        "create-rest": 0.85,
        "toggle-rest": 0.85,
    },
)
OF_HS256 = Pair(PG_EDDSA, PG, 90, {"one-rest": 0.97, "list-rest": 0.97, "one-graphql": 0.97})
OF_POSTGRES = Pair(SQLITE, PG, 30, {"one-rest": 1.3, "list-rest": 1.2, "create-rest": 0.8})
PAIRS = [OF_FLOOR, OF_HS256, OF_POSTGRES]

OF_PEERS = {
    "one-rest": (FASTAPI_1, 35),
    "list-rest": (FASTAPI_1, 20),
    "one-graphql": (POSTGRAPHILE_1, 15),
    "list-graphql": (POSTGRAPHILE_1, 8),
    "create-rest": (FASTAPI_1, 10),
    "toggle-rest": (FASTAPI_1, 10),
}
"""By row, a peer and how many times as much has to be done as it does."""

WORK = {
    "one-rest": "one task by REST",
    "list-rest": "50 tasks by REST",
    "one-graphql": "one task by GraphQL",
    "list-graphql": "50 tasks by GraphQL",
    "create-rest": "create by REST",
    "toggle-rest": "toggle by REST",
}
"""What is done in the rows that have such goals."""


@dataclass(frozen=True)
class Goal:
    """A figure to reach: at least `bound`, or at most. `measured` is None where the row was left out."""

    what: str
    bound: float
    at_least: bool
    unit: str
    measured: float | None

    @property
    def is_met(self) -> bool | None:
        """Whether it was reached; None where nothing was measured."""
        if self.measured is None:
            return None
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


@dataclass(frozen=True)
class Found:
    """All that was measured: the rounds in their order, and by row the pairs of two contenders, by `PAIRS`' names."""

    rounds: list[Round]
    pairs: dict[str, dict[str, list[float]]]
    growth: dict[str, Growth]
    ready_ms: float | None

    @property
    def typical(self) -> Round:
        """What counts: of each figure the median of the rounds, of two rounds the lower one.

        One round differs from the next by a tenth and more, mostly by what the disk and the scheduler do meanwhile.
        """
        return {
            key: {label: _median([found[key][label] for found in self.rounds]) for label in contenders}
            for key, contenders in self.rounds[0].items()
        }

    def beside(self, key: str, pair: Pair) -> float | None:
        """The requests/s of one contender in a row, to those of the one it is paired with: the median of the pairs, and
        where there were none of the rounds."""
        ratios = self.pairs.get(key, {}).get(pair.name)
        return statistics.median_low(ratios) if ratios else self.ratio((key, pair.one), (key, pair.other))

    def ratio(self, one: tuple[str, str], other: tuple[str, str]) -> float | None:
        """The requests/s of one contender in a row, to those of another: the median of the rounds' ratios, of an even
        number of rounds the lower one. None where either was not measured.

        In a round the two are measured close to each other, so that what the machine does at that time is in both.
        """
        ratios = []
        for rows in self.rounds:
            samples = [rows.get(key, {}).get(label) for key, label in (one, other)]
            if not samples[0] or not samples[1]:
                return None
            ratios.append(samples[0].rate / samples[1].rate)
        return statistics.median_low(ratios)


def _median(samples: list[Sample]) -> Sample:
    """The median of each figure by itself; a figure is nobody's in all samples or in none."""
    figures = zip(*map(astuple, samples), strict=True)
    return Sample(*(None if None in figure else statistics.median_low(figure) for figure in figures))


def goals(found: Found) -> Iterator[Goal]:
    """All goals, with what was measured."""
    yield from _beside_others(found)
    yield from _beside_itself(found)
    for kind, growth in found.growth.items():
        for what, ratio in growth.ratios().items():
            yield Goal(f"p50 of a page of 50, {kind}: {what}", 1.2, False, "×", ratio)
    for label, kind in [(PG, "PostgreSQL"), (SQLITE, "SQLite")]:
        samples = [row[label] for row in found.rounds[-1].values() if label in row]
        yield Goal(
            f"resident memory after the run, {kind}", 30, False, " MB", samples[-1].resident_mb if samples else None
        )
    yield Goal("start to ready, SQLite", 60, False, " ms", found.ready_ms)


def _beside_others(found: Found) -> Iterator[Goal]:
    for key, (peer, least) in OF_PEERS.items():
        yield _of_pair(found, key, OF_FLOOR, f"{WORK[key]}, of the floor")
        yield Goal(f"{WORK[key]}, of {peer}", least, True, "×", found.ratio((key, PG), (key, peer)))


def _beside_itself(found: Found) -> Iterator[Goal]:
    for key in OF_HS256.least:
        yield _of_pair(found, key, OF_HS256, f"EdDSA, of HS256: {WORK[key]}")
    for key in OF_POSTGRES.least:
        yield _of_pair(found, key, OF_POSTGRES, f"SQLite, of PostgreSQL: {WORK[key]}")
    slowest = found.typical.get("create-rest", {}).get(SQLITE)
    yield Goal("p99 of create by REST, SQLite", 50, False, " ms", slowest.p99_ms if slowest else None)
    for label, kind in [(PG, "PostgreSQL"), (SQLITE, "SQLite")]:
        figure = found.ratio(("unchanged-rest", label), ("list-rest", label))
        yield Goal(f"304, of the list of 50, {kind}", 1.5, True, "×", figure)


def _of_pair(found: Found, key: str, pair: Pair, what: str) -> Goal:
    return Goal(what, pair.least[key], True, "×", found.beside(key, pair))
