"""The time from the end of speech to the first sound of the answer, against two other ways to run a turn, beside its targets."""

import asyncio
import dataclasses
import json
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import product

import bench_loop
from figures import print_table
from turn import faults, real_time, rivals
from turn.day import ARMS, Measured, live
from turn.ends import ends
from turn.interruptions import interrupted
from turn.load import load_of
from turn.page import page, waterfall
from turn.profile import load, names
from turn.real_targets import load_rows, overhead_rows, wire_rows
from turn.tables import tables
from turn.targets import Row, print_rows, virtual_rows
from turn.wire import chunk_cost, satellites_per_core
from virtual_time import VirtualLoop

from wyoming_servers.shared import paths

_FOLDER = paths.cache_dir() / "bench" / "turn"
_SPOKEN = 50
_SHOWN = ("n100-stream", "s6")
"""The turn of the picture in the docs."""
_SHORT, _LONG = 12, 200
"""Turns in real time in each house."""
_STEPS = ((10, 15.0), (50, 15.0))
_LADDER = ((1, 60.0), (10, 60.0), (50, 60.0), (200, 60.0))
"""How many satellites at once, and for how many seconds."""


def report(*, long: bool, real: bool) -> None:
    """Measures, prints the targets, and keeps every turn. real: only spoken commands through the embedded engines."""
    if real:
        print_table(bench_loop.measure(_SPOKEN))
        return
    with ProcessPoolExecutor() as pool:
        days = list(pool.map(lived, *zip(*product(ARMS, names()), strict=True)))
    turns = [turn for day in days for turn in day]
    rows = [*virtual_rows(turns), *ends()]  # which forks, as above: nothing of speech may be loaded here before
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        rows += runner.run(interrupted())
    rows += [*faults.rows(), *rivals.rows()]
    print("  in virtual time:")
    print_rows(rows)
    measured = real_time.run(_LONG if long else _SHORT, ARMS if long else ("ours",))
    ours = [turn for turn in measured.turns if turn.arm == "ours"]
    real_rows = overhead_rows(dataclasses.replace(measured, turns=ours))
    real_rows += wire_rows([chunk_cost() for _ in range(5)], asyncio.run(satellites_per_core(100, 5.0)))
    real_rows += load_rows([asyncio.run(load_of(*load)) for load in (_LADDER if long else _STEPS)])
    print("  in real time, on this machine:")
    print_rows(real_rows)
    _keep([*turns, *measured.turns], [*rows, *real_rows])
    (_FOLDER / "tables.md").write_text(tables(turns, rows, real_rows), "utf-8")


def lived(arm: str, profile: str) -> list[Measured]:
    """One arm's day in one house, in virtual time, which repeats itself to the sample."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(live(arm, load(profile)))


def _keep(turns: Sequence[Measured], rows: Sequence[Row]) -> None:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    (_FOLDER / "turns.json").write_text(json.dumps([dataclasses.asdict(turn) for turn in turns], indent=1), "utf-8")
    (_FOLDER / "targets.json").write_text(json.dumps([dataclasses.asdict(row) for row in rows], indent=1), "utf-8")
    (_FOLDER / "index.html").write_text(page(turns), "utf-8")
    shown = [turn for turn in turns if (turn.profile, turn.scene) == _SHOWN]
    (_FOLDER / "waterfall.svg").write_text(waterfall(shown[: len(ARMS)]), "utf-8")
    print(f"  every turn: {_FOLDER / 'turns.json'}, {_FOLDER / 'index.html'}; these targets: {_FOLDER / 'targets.json'}")
