"""Figures and how they are shown."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """One measured quantity."""

    name: str
    unit: str
    values: Sequence[float] = field(repr=False)
    target: float | None = None
    """At most this at the median; None when there is no target."""
    nearly_all: bool = False
    """The target is for 95 in 100, not for the median."""

    @property
    def median(self) -> float:
        """Half of the values are at most this."""
        return statistics.median(self.values)

    @property
    def p95(self) -> float:
        """95 in 100 of the values are at most this."""
        ordered = sorted(self.values)
        return ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]


def print_table(figures: Sequence[Figure]) -> None:
    """One line per figure."""
    width = max(len(figure.name) for figure in figures)
    print(f"  {'':<{width}}  {'n':>4}  {'p50':>8}  {'p95':>8}  unit   target")
    for figure in figures:
        reached = figure.p95 if figure.nearly_all else figure.median
        verdict = "" if figure.target is None else f"≤ {figure.target:g} {'met' if reached <= figure.target else 'MISSED'}"
        print(f"  {figure.name:<{width}}  {len(figure.values):>4}  {figure.median:>8.2f}  {figure.p95:>8.2f}  {figure.unit:<5}  {verdict}")
