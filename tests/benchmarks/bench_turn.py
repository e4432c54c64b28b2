"""The time from the end of speech to the first sound of the answer, against two other ways to run a turn, beside its targets."""

import asyncio
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from itertools import product

from turn.day import ARMS, Measured, live
from turn.page import page
from turn.profile import load, names
from turn.targets import Row, print_rows, virtual_rows
from virtual_time import VirtualLoop

from wyoming_servers.shared import paths

_FOLDER = paths.cache_dir() / "bench" / "turn"


def report() -> None:
    """Measures, prints the targets, and keeps every turn."""
    with ProcessPoolExecutor() as pool:
        days = list(pool.map(lived, *zip(*product(ARMS, names()), strict=True)))
    turns = [turn for day in days for turn in day]
    rows = virtual_rows(turns)
    print_rows(rows)
    _keep(turns, rows)


def lived(arm: str, profile: str) -> list[Measured]:
    """One arm's day in one house, in virtual time, which repeats itself to the sample."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(live(arm, load(profile)))


def _keep(turns: list[Measured], rows: list[Row]) -> None:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    (_FOLDER / "turns.json").write_text(json.dumps([asdict(turn) for turn in turns], indent=1), "utf-8")
    (_FOLDER / "targets.json").write_text(json.dumps([asdict(row) for row in rows], indent=1), "utf-8")
    (_FOLDER / "index.html").write_text(page(turns), "utf-8")
    print(f"  every turn: {_FOLDER / 'turns.json'}, {_FOLDER / 'index.html'}; these targets: {_FOLDER / 'targets.json'}")
