"""The targets that only real time can tell: what we add to the engines' time, and what one core carries."""

from collections.abc import Sequence

from .apart import DISTURBED
from .day import Measured
from .lag import share_of
from .load import Load
from .real_time import RealTime
from .steps import medians_ms
from .targets import Row
from .wire import ChunkCost

_AT_ONCE, _LOST_MS = 50, 25
_UNANSWERED = 0.02  # more of the turns, and processor time tells nothing of what was carried


def overhead_rows(measured: RealTime) -> list[Row]:
    """What is left above the critical path, and how late the loop was. Other work on this machine can only make both worse."""
    rows = []
    missed = None if measured.waited > DISTURBED else False
    why = f"there was other work, and {measured.waited:.0%} of the time no processor for this" if missed is None else ""
    for profile in ("spark", "h100"):
        turns = [turn for turn in measured.turns if turn.profile == profile]
        lost_ms = _lost_ms(turns)
        p50, p99 = share_of(lost_ms, 0.5), share_of(lost_ms, 0.99)
        met = (p50 <= 5 and p99 <= 15) or missed
        name = f"{profile}: lost above the critical path, real sockets (G1)"
        steps = ", ".join(f"to the {step} {took_ms:.1f}" for step, took_ms in medians_ms(turns).items())
        rows.append(
            Row(
                name,
                "p50 ≤ 5, p99 ≤ 15 ms",
                f"{p50:.1f}, {p99:.1f} ms",
                len(lost_ms),
                met,
                "; ".join(filter(None, (f"ms of each step, at the median: {steps}" if steps else "", "" if met else why))),
            )
        )
    late_ms = share_of(measured.lags_s, 0.99) * 1000
    met = late_ms <= 5 or missed
    rows.append(Row("the satellite's loop is late (G23)", "p99 ≤ 5 ms", f"{late_ms:.1f} ms", len(measured.lags_s), met, "" if met else why))
    return rows


def load_rows(loads: Sequence[Load]) -> list[Row]:
    """What a core carries: one row for each number of satellites, and what follows from them."""
    rows = [_load_row(load) for load in loads]
    answered = [load for load in loads if load.unanswered <= _UNANSWERED * len(load.turns)]
    most = max(answered, key=lambda load: load.satellites, default=loads[0])
    per_core = round(most.at_once / most.efforts["satellites"]["cores"])
    name = f"turns at once on one core, from the processor time of {most.satellites} satellites (G20)"
    why = "" if per_core >= _AT_ONCE else "microphone, voice detector, loudspeaker and the pauses between turns are in it"
    rows.append(Row(name, f"≥ {_AT_ONCE}", f"{per_core}", len(most.turns), per_core >= _AT_ONCE, why))
    return [*rows, _knee_row(loads)] if len(loads) > 1 else rows


def _load_row(load: Load) -> Row:
    p50, p99, met = share_of(load.lost_ms, 0.5), share_of(load.lost_ms, 0.99), _carried(load)
    used = [
        f"{process} {told['cores']:.2f} cores, {told['waited']:.0%} of the time without, loop {told['late_s'] * 1000:.0f} ms late"
        for process, told in load.efforts.items()
    ]
    carried = f"{load.at_once:.1f} turns at once, {load.satellite_mb:.1f} MB each"
    return Row(
        f"{load.satellites} satellites: lost above the critical path; turns without a whole answer (G20)",
        f"p99 ≤ {_LOST_MS} ms, none",
        f"p50 {p50:.1f}, p99 {p99:.1f} ms; {load.unanswered}",
        len(load.turns),
        met,
        "; ".join(filter(None, ("" if met else load.disturbed, carried, *used))),
    )


def _knee_row(loads: Sequence[Load]) -> Row:
    """How many one process carries."""
    most = max((load.satellites for load in loads if _carried(load)), default=0)
    least = min((load.satellites for load in loads if _carried(load) is False), default=None)
    unknown = [str(load.satellites) for load in loads if _carried(load) is None]
    figure = " and ".join([*([f"{most}"] if most else []), *([f"not {least}"] if least else [])]) or "unknown"
    why = f"nothing is known of {', '.join(unknown)}: see there" if unknown else ""
    met = most >= _AT_ONCE or (None if unknown and not least else False)
    return Row("most satellites in one process whose turns all stay within that (G20)", f"≥ {_AT_ONCE}", figure, len(loads), met, why)


def _carried(load: Load) -> bool | None:
    """Whether all turns were answered soon enough; None when they were not, and that was not the satellites' doing."""
    if not load.unanswered and share_of(load.lost_ms, 0.99) <= _LOST_MS:
        return True
    return None if load.disturbed else False


def wire_rows(costs: Sequence[ChunkCost], satellites: float) -> list[Row]:
    """What audio costs; the best of several, for processor time has only one kind of noise."""
    ours, stock, bare = (min(getattr(cost, key) for cost in costs) for key in ("ours_us", "stock_us", "bare_us"))
    why = "" if ours <= 8 else f"{bare:.1f} µs of it are the bare sockets; the stock library takes {stock:.1f} µs here"
    return [
        Row("one audio chunk, written and read over the loopback (G18)", "≤ 8 µs", f"{ours:.1f} µs", len(costs), ours <= 8, why),
        Row("streams on one core, handed on to two servers each (G19)", "≥ 300", f"{satellites:.0f}", 1, satellites >= 300),
    ]


def _lost_ms(turns: Sequence[Measured]) -> list[float]:
    return [turn.overhead_s * 1000 for turn in turns if turn.overhead_s is not None]
