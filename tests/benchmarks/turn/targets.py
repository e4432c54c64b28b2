"""The figures to reach, what was reached, and why not where it was not."""

from collections.abc import Sequence
from dataclasses import dataclass

from .day import Measured

LLM_SCENE = "s6"
COMMAND_SCENE = "s1-again"
"""Said before on the same day, as most commands of a house were."""
_COMMANDS = (COMMAND_SCENE, "s1-first", "s1")
"""And what was not: its answer has to be spoken first."""
_EFFICIENCY = 0.99
_COMMANDS_AGAINST_SEQ = {"pi4": 3.5, "pi4-stream": 3.5, "pi5-phrase": 3.0}
_ANSWERS_AGAINST_SEQ = {"pi4": 3.5, "pi4-stream": 3.5, "n100": 4.0, "n100-stream": 4.0, "spark": 7.0, "h100": 3.0}
_AGAINST_SEQ = {(name, LLM_SCENE): least for name, least in _ANSWERS_AGAINST_SEQ.items()} | {
    (name, scene): least for scene in _COMMANDS for name, least in _COMMANDS_AGAINST_SEQ.items()
}
_AGAINST_HA = {LLM_SCENE: 1.6} | dict.fromkeys(_COMMANDS, 2.0)
SAYS = {
    LLM_SCENE: "a long answer",
    COMMAND_SCENE: "a command",
    "s1-first": "a command, the first time",
    "s1": "a question whose answer is new",
}
_RECKONED_FOR = {"pi4": "the target was reckoned for a recogniser that hears while one speaks, as pi4-stream does"}
"""Houses that a target of commands was not made for."""
Turns = dict[tuple[str, str, str], Measured]
"""By profile, scene and arm."""


@dataclass(frozen=True)
class Row:
    """One figure beside its target."""

    name: str
    target: str
    figure: str
    n: int
    met: bool | None
    """None when there was nothing to judge."""
    why: str = ""
    """Where it falls short: what it is made of, and what can be reached at most."""


def by_turn(turns: Sequence[Measured]) -> Turns:
    """For looking up."""
    return {(turn.profile, turn.scene, turn.arm): turn for turn in turns}


def virtual_rows(turns: Sequence[Measured]) -> list[Row]:
    """What virtual time tells: it has no noise, so every turn counts."""
    ours = [turn for turn in turns if turn.arm == "ours"]
    found = by_turn(turns)
    profiles = sorted({turn.profile for turn in ours})
    rows = [_efficiency(ours), _wholeness(ours), _waste(ours)]
    for (name, scene), least in _AGAINST_SEQ.items():
        if (name, scene, "ours") in found:
            rows.append(_speed_up(found, name, scene, "seq", least))
    for scene, least in _AGAINST_HA.items():
        rows += [_speed_up(found, name, scene, "ha", least) for name in profiles if name != "zero" and (name, scene, "ours") in found]
    return rows


def _efficiency(ours: Sequence[Measured]) -> Row:
    ours = [turn for turn in ours if turn.v2v_s is not None]
    worst = min(ours, key=lambda turn: turn.efficiency)
    low = [turn for turn in ours if turn.efficiency < _EFFICIENCY]
    why = "; ".join(f"{turn.profile} {turn.scene} {turn.efficiency:.3f}{_held_up(turn)}" for turn in low)
    name = "critical path / V2V, worst turn (G3)"
    return Row(name, f"≥ {_EFFICIENCY}", f"{worst.efficiency:.3f}", len(ours), not low, why)


def _held_up(turn: Measured) -> str:
    """Whether a recogniser that cannot be stopped was still busy with what had been said before a pause."""
    decodings = [work for work in turn.work if work.kind == "asr"]
    late = len(decodings) > 1 and decodings[-1].begin - decodings[-2].end < 0.001
    return " (the recogniser still worked on what was said before the pause)" if late else ""


def _wholeness(ours: Sequence[Measured]) -> Row:
    """Nobody is cut off, and nothing is heard before the commit."""
    wrong = [f"{turn.profile} {turn.scene}" for turn in ours if turn.v2v_s is None or turn.commit_s is None or turn.v2v_s < turn.commit_s]
    why = f"{', '.join(wrong)}: cut off in a pause" if wrong else ""
    return Row("turns answered as a whole, and not before their commit", "all", f"{len(ours) - len(wrong)}", len(ours), not wrong, why)


def _waste(ours: Sequence[Measured]) -> Row:
    shares = {profile: _wasted([turn for turn in ours if turn.profile == profile]) for profile in {turn.profile for turn in ours}}
    worst = max(shares, key=lambda profile: shares[profile])
    name = "engines' time that was for nothing, of what was not; worst house (G10)"
    return Row(name, "≤ 35 %", f"{shares[worst]:.0%} ({worst})", len(ours), shares[worst] <= 0.35)


def _wasted(turns: Sequence[Measured]) -> float:
    used, lost = (sum(work.end - work.begin for turn in turns for work in turn.work if work.used is kind) for kind in (True, False))
    return lost / used if used else 0.0


def _speed_up(found: Turns, profile: str, scene: str, other: str, least: float) -> Row:
    ours, theirs = found[profile, scene, "ours"], found[profile, scene, other]
    goal = "G5" if other == "seq" else "G6"
    name = f"{profile}, {SAYS[scene]}: {other} / ours ({goal})"
    if not (ours.v2v_s and theirs.v2v_s and ours.path):
        return Row(name, f"≥ {least:g}", "nothing was heard", 1, False)
    ratio = theirs.v2v_s / ours.v2v_s
    figure = f"{ratio:.2f} ({theirs.v2v_s:.2f} / {ours.v2v_s:.2f} s)"
    if round(ratio, 2) >= least:
        return Row(name, f"≥ {least:g}", figure, 1, True)
    path = ours.path
    limits = f"at most {theirs.v2v_s / path.critical_s:.2f} by our rules, {theirs.v2v_s / path.clairvoyant_s:.2f} without any waiting"
    notes = [limits, f"s of it: {path.why}"]
    if profile in _RECKONED_FOR and scene in _COMMANDS:
        notes.append(_RECKONED_FOR[profile])
    return Row(name, f"≥ {least:g}", figure, 1, False, "; ".join(notes))


def print_rows(rows: Sequence[Row]) -> None:
    """One line for each, and one more where it falls short."""
    name, target, figure = (max(len(getattr(row, key)) for row in rows) for key in ("name", "target", "figure"))
    for row in rows:
        verdict = {True: "met", False: "MISSED", None: "not measured"}[row.met]
        print(f"  {row.name:<{name}}  {row.target:<{target}}  {row.figure:<{figure}}  n={row.n:<4} {verdict}")
        if row.why:
            print(f"      {row.why}")
