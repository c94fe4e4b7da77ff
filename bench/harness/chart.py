"""The results as a picture: for each row a group of bars, the longest as long as the picture is wide."""

from collections.abc import Iterator
from html import escape

from .goals import Round
from .load import CONNECTIONS, Sample
from .rows import FASTAPI_1, FASTAPI_2, FLOOR, PG, POSTGRAPHILE_1, SQLITE

GROUPS = [
    ("One task by REST", "one-rest"),
    ("50 tasks by REST", "list-rest"),
    ("Create by REST", "create-rest"),
    ("One task by GraphQL", "one-graphql"),
    ("50 tasks by GraphQL", "list-graphql"),
    ("Create by GraphQL", "create-graphql"),
]
NAMES = {
    PG: "taskgate, PostgreSQL",
    SQLITE: "taskgate, SQLite",
    FLOOR: "the floor",
    FASTAPI_1: "FastAPI, 1 worker",
    FASTAPI_2: "FastAPI, 2 workers",
    POSTGRAPHILE_1: "PostGraphile",
}
KINDS = {PG: "own", SQLITE: "own", FLOOR: "floor"}

WIDTH, LEFT, RIGHT = 760, 170, 70
BAR, STEP, GAP, TITLE, TOP = 14, 19, 16, 24, 46

STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.head { font-size: 15px; font-weight: 600 }
.faint { fill: #59636e }
.own { fill: #1a7f5a } .floor { fill: #8c959f } .peer { fill: #d1863b }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 }
  .faint { fill: #9198a1 }
  .own { fill: #3fb68b } .floor { fill: #6e7681 } .peer { fill: #e0a060 }
}"""


def chart(rows: Round) -> str:
    """An SVG that is legible on light and on dark."""
    parts: list[str] = []
    y = TOP
    for title, key in GROUPS:
        bars = {label: rows[key][label] for label in NAMES if label in rows.get(key, {})}
        if bars:
            parts += _group(title, bars, y)
            y += TITLE + STEP * len(bars) + GAP
    head = '<text class="head" x="8" y="20">Requests per second</text>'
    words = f"{CONNECTIONS} connections; each group has a scale of its own"
    note = f'<text class="faint" x="{WIDTH - 8}" y="20" text-anchor="end">{words}</text>'
    box = f'viewBox="0 0 {WIDTH} {y}" role="img" aria-label="Requests per second"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {box}>',
            f"<style>\n{STYLE}\n</style>",
            head,
            note,
            *parts,
            "</svg>\n",
        ]
    )


def _group(title: str, bars: dict[str, Sample], y: int) -> Iterator[str]:
    most = max(sample.rate for sample in bars.values())
    yield f'<text class="title" x="8" y="{y + 12}">{escape(title)}</text>'
    for line, (label, sample) in enumerate(bars.items()):
        top = y + TITLE + STEP * line
        length = max((WIDTH - LEFT - RIGHT) * sample.rate / most, 1)
        yield f'<text x="{LEFT - 8}" y="{top + 11}" text-anchor="end">{escape(NAMES[label])}</text>'
        kind, box = KINDS.get(label, "peer"), f'x="{LEFT}" y="{top}" width="{length:.1f}" height="{BAR}"'
        yield f'<rect class="{kind}" {box} rx="2"/>'
        yield f'<text class="faint" x="{LEFT + length + 6:.1f}" y="{top + 11}">{sample.rate:,.0f}</text>'
