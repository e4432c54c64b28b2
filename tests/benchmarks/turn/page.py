"""One page that shows what each stage of a turn did, and when."""

from collections.abc import Sequence
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
        parts.append(f"<h2>{escape(profile)}, {escape(scene)}</h2>{_waterfall(list(arms))}")
    return "".join(parts) + "</html>\n"


def _waterfall(arms: list[Measured]) -> str:
    begin = min([0.0, *(work.begin for turn in arms for work in turn.work)])
    end = max(turn.last_s or 0.0 for turn in arms) + 0.1
    rows, y = [], 0

    def x(at: float) -> float:
        return _LABEL + (at - begin) / (end - begin) * _WIDTH

    for turn in arms:
        shown = "nothing was heard" if turn.v2v_s is None else f"{turn.v2v_s:.2f} s"
        rows.append(f"<text x=0 y={y + 13}>{escape(turn.arm)}: {shown}</text>")
        for kind, colour in _COLOURS.items():
            for work in (work for work in turn.work if work.kind == kind):
                faint = "" if work.used else " opacity=.35"
                width = max(1.0, x(work.end) - x(work.begin))
                title = f"<title>{escape(kind)}: {escape(work.what)}, {work.begin:.3f} to {work.end:.3f} s</title>"
                rows.append(
                    f"<rect x={x(work.begin):.1f} y={y + 3} width={width:.1f} height={_ROW - 6} fill={colour}{faint}>{title}</rect>"
                )
            y += _ROW if any(work.kind == kind for work in turn.work) else 0
        if turn.v2v_s is not None and turn.last_s is not None:
            rows.append(f"<rect x={x(turn.v2v_s):.1f} y={y + 5} width={x(turn.last_s) - x(turn.v2v_s):.1f} height={_ROW - 10} fill=#333 />")
        if turn.commit_s is not None:
            at = x(turn.commit_s)
            rows.append(f"<line x1={at:.1f} x2={at:.1f} y1={y - 3 * _ROW} y2={y + _ROW} stroke=#000 />")
        y += round(1.6 * _ROW)
    zero = f'<line x1={x(0):.1f} x2={x(0):.1f} y1=0 y2={y} stroke=#888 stroke-dasharray="3 3" />'
    return f"<svg width={_LABEL + _WIDTH + 20} height={y}>{zero}{''.join(rows)}</svg>"
