"""One page that shows what each stage of a turn did, and when."""

from collections.abc import Callable, Sequence
from html import escape
from itertools import groupby

from .day import Measured

_COLOURS = {"asr": "#4c78a8", "intent": "#72b7b2", "llm": "#e45756", "tts": "#f2a541"}
_ROW, _WIDTH, _LABEL = 18, 900, 150
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; color: #222; background: #fff }
h2 { margin: 2rem 0 .3rem; font-size: 1.1rem } svg { display: block; margin: .2rem 0 1rem } text { font: 12px system-ui, sans-serif }
.key span { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em }
"""


def page(turns: Sequence[Measured]) -> str:
    """A whole HTML page without scripts. Time 0 is the end of the user's speech."""
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Turns</title><style>{_STYLE}</style><h1>What each turn did</h1>",
        "<p>Time counts from the end of the user's speech. The black line is the decision that the user has finished, the dark bar what ",
        "was heard of the answer; pale bars are work that was given up.</p>",
        "<p class=key>" + "".join(f'<span style="background:{colour}"></span>{kind}' for kind, colour in _COLOURS.items()) + "</p>",
    ]
    ordered = sorted(turns, key=lambda turn: (turn.profile, turn.scene))
    for (profile, scene), arms in groupby(ordered, key=lambda turn: (turn.profile, turn.scene)):
        parts.append(f"<h2>{escape(profile)}, {escape(scene)}</h2>{waterfall(list(arms))}")
    return "".join(parts) + "</html>\n"


def waterfall(arms: Sequence[Measured]) -> str:
    """One turn as each arm took it, as SVG: what each stage did when. Time 0 is the end of the user's speech."""
    begin = min([0.0, *(work.begin for turn in arms for work in turn.work)])
    end = max(turn.last_s or 0.0 for turn in arms) + 0.1

    def x(at: float) -> float:
        return _LABEL + (at - begin) / (end - begin) * _WIDTH

    rows, y = [], 0
    for turn in arms:
        drawn, height = _arm(turn, y, x)
        rows += drawn
        y += height
    marks = [f'<text x="{x(at):.0f}" y="{y + 12}" text-anchor="middle">{at:g} s</text>' for at in _seconds(end)]
    zero = f'<line x1="{x(0):.1f}" x2="{x(0):.1f}" y1="0" y2="{y}" stroke="#888" stroke-dasharray="3 3"/>'
    size = f'width="{_LABEL + _WIDTH + 20}" height="{y + 18}"'
    style = "<style>text{font:12px system-ui,sans-serif}</style>"
    drawn = "".join((zero, *rows, *marks))
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{style}<rect {size} fill="#fff"/>{drawn}</svg>'


def _arm(turn: Measured, top: int, x: Callable[[float], float]) -> tuple[list[str], int]:
    """One arm's elements, and their height."""
    shown = "nothing was heard" if turn.v2v_s is None else f"{turn.v2v_s:.2f} s"
    rows, y = [f'<text x="0" y="{top + 13}">{escape(turn.arm)}: {shown}</text>'], top
    for kind, colour in _COLOURS.items():
        for work in (work for work in turn.work if work.kind == kind):
            faint = "" if work.used else ' opacity=".35"'
            width = max(1.0, x(work.end) - x(work.begin))
            title = f"<title>{kind}: {escape(work.what)}, {work.begin:.3f} to {work.end:.3f} s</title>"
            place = f'x="{x(work.begin):.1f}" y="{y + 3}" width="{width:.1f}" height="{_ROW - 6}"'
            rows.append(f'<rect {place} fill="{colour}"{faint}>{title}</rect>')
        y += _ROW if any(work.kind == kind for work in turn.work) else 0
    if turn.v2v_s is not None and turn.last_s is not None:
        place = f'x="{x(turn.v2v_s):.1f}" y="{y + 5}" width="{x(turn.last_s) - x(turn.v2v_s):.1f}" height="{_ROW - 10}"'
        rows.append(f'<rect {place} fill="#333"/>')
    if turn.commit_s is not None:
        at = x(turn.commit_s)
        rows.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{top}" y2="{y + _ROW}" stroke="#000"/>')
    return rows, y - top + round(1.6 * _ROW)


def _seconds(end: float) -> list[float]:
    """Where the axis has figures: a dozen at most."""
    step = next((step for step in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0) if end / step <= 12), 30.0)
    return [round(number * step, 1) for number in range(int(end / step) + 1)]
