"""The curve as a picture: false commits against commit delay, on one pair of axes."""

from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT = 720, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 44, 52
_MOST_MS, _MOST_CUT = 1600.0, 100.0
_COLOURS = ("#0b6e4f", "#1f4e9c", "#b3541e", "#7a7a7a")
Point = tuple[float, float]
"""Mean commit delay in ms, false commits per 100 hesitations."""


def svg(title: str, lines: Mapping[str, Sequence[Point]], goal: Point) -> str:
    """One line per name; goal: the corner that the curve should pass below."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="20" font-size="14" font-weight="bold">{escape(title)}</text>',
        f'<path d="M{_x(0):.1f} {_y(0):.1f}V{_y(goal[1]):.1f}H{_x(goal[0]):.1f}V{_y(0):.1f}Z" fill="#d9f2e6"/>',
    ]
    parts += [_tick(_x(ms), _y(0), f"{ms}", "middle", 0, 18) for ms in range(0, 1601, 200)]
    parts += [_tick(_x(0), _y(cut), f"{cut}", "end", -8, 4) for cut in range(0, 101, 20)]
    parts += [
        f'<path d="M{_x(0):.1f} {_y(100):.1f}V{_y(0):.1f}H{_x(_MOST_MS):.1f}" fill="none" stroke="#333333"/>',
        f'<text x="{(_LEFT + _WIDTH) / 2}" y="{_HEIGHT - 12}" text-anchor="middle">mean commit delay after the end of speech, ms</text>',
        f'<text transform="translate(16 {_HEIGHT / 2}) rotate(-90)" text-anchor="middle">false commits per 100 hesitations</text>',
    ]
    for number, (name, points) in enumerate(lines.items()):
        colour = _COLOURS[number % len(_COLOURS)]
        path = " ".join(f"{_x(ms):.1f},{_y(cut):.1f}" for ms, cut in points if ms <= _MOST_MS)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        y = _TOP + 14 + 18 * number
        parts.append(f'<rect x="{_WIDTH - 250}" y="{y - 9}" width="18" height="4" fill="{colour}"/>')
        parts.append(f'<text x="{_WIDTH - 224}" y="{y}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _x(ms: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * ms / _MOST_MS


def _y(cut: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * cut / _MOST_CUT


def _tick(x: float, y: float, text: str, anchor: str, right: int, down: int) -> str:
    return f'<text x="{x + right:.1f}" y="{y + down:.1f}" text-anchor="{anchor}" fill="#333333">{text}</text>'
