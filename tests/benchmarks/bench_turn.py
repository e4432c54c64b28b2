"""The time from the end of speech to the first sound of the answer, in virtual time, against two other ways to run a turn."""

import asyncio
import json
from collections import defaultdict
from dataclasses import asdict
from statistics import mean

from figures import Figure
from turn.day import ARMS, Measured, live
from turn.page import page
from turn.profile import load, names
from turn.scenes import SCENES
from virtual_time import VirtualLoop

from wyoming_servers.shared import paths

_FOLDER = paths.cache_dir() / "bench" / "turn"


def measure() -> list[Figure]:
    """Every profile, every scene, every arm, once: virtual time repeats itself to the sample."""
    turns = [turn for name in names() for arm in ARMS for turn in lived(arm, name)]
    _FOLDER.mkdir(parents=True, exist_ok=True)
    (_FOLDER / "turns.json").write_text(json.dumps([asdict(turn) for turn in turns], indent=1), "utf-8")
    (_FOLDER / "index.html").write_text(page(turns), "utf-8")
    print(f"  every turn: {_FOLDER / 'turns.json'}, {_FOLDER / 'index.html'}")
    return _figures(turns)


def lived(arm: str, profile: str) -> list[Measured]:
    """One arm's day in one house, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(live(arm, load(profile), SCENES))


def _figures(turns: list[Measured]) -> list[Figure]:
    by = defaultdict(dict)
    for turn in turns:
        by[turn.profile, turn.scene][turn.arm] = turn
    figures = []
    for profile in names():
        scenes = [arms for (name, _), arms in by.items() if name == profile]
        for arm in ARMS:
            figures.append(Figure(f"{profile}: {arm}", "s", [arms[arm].v2v_s for arms in scenes if arms[arm].v2v_s is not None]))
        figures.append(Figure(f"{profile}: critical path / V2V (at least 0.99)", "", [arms["ours"].efficiency for arms in scenes]))
        for other in ("seq", "ha"):
            ratios = [arms[other].v2v_s / arms["ours"].v2v_s for arms in scenes if arms[other].v2v_s and arms["ours"].v2v_s]
            figures.append(Figure(f"{profile}: {other} / ours, mean {mean(ratios):.2f}", "", ratios))
    return figures
