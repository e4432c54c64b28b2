"""The targets that only real time can tell: what we add to the engines' time, and what one core carries."""

from collections.abc import Sequence

from .day import Measured
from .load import Load
from .real_time import RealTime
from .targets import Row
from .wire import ChunkCost


def overhead_rows(measured: RealTime) -> list[Row]:
    """What is left above the critical path, and how late the loop was."""
    rows = []
    for profile in ("spark", "h100"):
        lost_ms = _lost_ms([turn for turn in measured.turns if turn.profile == profile])
        p50, p99 = share_of(lost_ms, 0.5), share_of(lost_ms, 0.99)
        met = p50 <= 5 and p99 <= 15
        why = "" if met else _busy(measured.lags_s)
        name = f"{profile}: lost above the critical path, real sockets (G1)"
        rows.append(Row(name, "p50 ≤ 5, p99 ≤ 15 ms", f"{p50:.1f}, {p99:.1f} ms", len(lost_ms), met, why))
    late_ms = share_of(measured.lags_s, 0.99) * 1000
    rows.append(Row("the satellite's loop is late (G23)", "p99 ≤ 5 ms", f"{late_ms:.1f} ms", len(measured.lags_s), late_ms <= 5, ""))
    return rows


def load_rows(load: Load) -> list[Row]:
    """What a core carries."""
    lost_ms = _lost_ms(load.turns)
    per_core, p99 = load.satellites / load.cores, share_of(lost_ms, 0.99)
    name = f"turns at once on one core, from {load.satellites} satellites' processor time (G20)"
    why = "" if per_core >= 50 else "microphone, voice detector and loudspeaker of all of them run in the one process that is measured"
    late = "" if p99 <= 25 else _busy(load.lags_s)
    return [
        Row(name, "≥ 50", f"{per_core:.0f}", len(lost_ms), per_core >= 50, why),
        Row(
            f"lost above the critical path with {load.satellites} satellites (G20)",
            "p99 ≤ 25 ms",
            f"{p99:.1f} ms",
            len(lost_ms),
            p99 <= 25,
            late,
        ),
    ]


def wire_rows(costs: Sequence[ChunkCost], satellites: float) -> list[Row]:
    """What audio costs; the best of several, for processor time has only one kind of noise."""
    ours, stock, bare = (min(getattr(cost, key) for cost in costs) for key in ("ours_us", "stock_us", "bare_us"))
    why = "" if ours <= 8 else f"{bare:.1f} µs of it are the bare sockets; the stock library takes {stock:.1f} µs here"
    return [
        Row("one audio chunk, written and read over the loopback (G18)", "≤ 8 µs", f"{ours:.1f} µs", len(costs), ours <= 8, why),
        Row("streams on one core, handed on to two servers each (G19)", "≥ 300", f"{satellites:.0f}", 1, satellites >= 300),
    ]


def share_of(values: Sequence[float], share: float) -> float:
    """So large a share of them is at most this."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def _lost_ms(turns: Sequence[Measured]) -> list[float]:
    return [turn.overhead_s * 1000 for turn in turns if turn.overhead_s is not None]


def _busy(lags_s: Sequence[float]) -> str:
    return f"this machine had other work: an idle timer was up to {share_of(lags_s, 0.99) * 1000:.0f} ms late (p99)"
