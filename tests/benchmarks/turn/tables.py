"""The figures as tables for docs/latency.md."""

from collections.abc import Sequence

from .day import ARMS, Measured
from .profile import names
from .targets import SAYS, Row, by_turn


def tables(turns: Sequence[Measured], rows: Sequence[Row], real_rows: Sequence[Row]) -> str:
    """Markdown: seconds to the first sound, the targets in virtual time, those in real time."""
    return "\n\n".join((_seconds(turns), _targets(rows), _targets(real_rows))) + "\n"


def _seconds(turns: Sequence[Measured]) -> str:
    found = by_turn(turns)
    lines = [f"| ours / ha / seq | {' | '.join(SAYS.values())} |", "| --- |" + " --- |" * len(SAYS)]
    for profile in names():
        cells = []
        for scene in SAYS:
            heard = [turn.v2v_s if (turn := found.get((profile, scene, arm))) else None for arm in ARMS]
            cells.append(" / ".join(f"{v2v_s:.2f}" if v2v_s else "–" for v2v_s in heard) if any(heard) else "–")
        lines.append(f"| `{profile}` | {' | '.join(cells)} |")
    return "\n".join(lines)


def _targets(rows: Sequence[Row]) -> str:
    verdicts = {True: "", False: ", **missed**", None: ", **not measured**"}
    lines = [f"| {row.name} | {row.target} | {row.figure}{verdicts[row.met]} | {row.n} |" for row in rows]
    return "\n".join(["| what | target | reached | n |", "| --- | --- | --- | --- |", *lines])
