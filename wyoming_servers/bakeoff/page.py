"""A bake-off as one HTML page that needs nothing else, and as a picture."""

import base64
import html
import io

from ..shared.engines import install_command
from ..shared.errors import EngineUnavailableError
from .results import Outcome, advice, cell
from .trials import Entry, Trial

_STYLE = """
:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5 }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100% } th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid #8884 }
th:first-child, td:first-child { text-align: left } .wrong { color: #c33 } pre { background: #8881; padding: .8rem; overflow-x: auto }
img { max-width: 100%; background: white } details { margin: .5rem 0 } .scroll { overflow-x: auto }
"""


def page(outcome: Outcome, picture: bytes | None) -> str:
    """The page; `picture` is a PNG or None."""
    title = f"Bake-off: {outcome.kind}"
    first, *settings = advice(outcome)
    parts = [
        f"<h1>{html.escape(title)}</h1>",
        f"<p>{html.escape(outcome.machine)}, {html.escape(outcome.date)}: {outcome.inputs} inputs in {outcome.rounds} rounds.</p>",
        f"<p>{html.escape(first)}</p>",
        *([f"<pre>{html.escape(chr(10).join(settings).strip())}</pre>"] if settings else []),
        _table(outcome),
        "<ul>"
        + "".join(f"<li><b>{html.escape(column.title)}</b>: {html.escape(column.note)}</li>" for column in outcome.columns)
        + "</ul>",
        f"<p>The wait is: {html.escape(outcome.unit)}.</p>",
    ]
    if picture:
        encoded = base64.b64encode(picture).decode()
        parts.append(f'<img alt="accuracy against speed" src="data:image/png;base64,{encoded}">')
    parts += [f"<p>{html.escape(entry.candidate.name)} was left out: {html.escape(entry.failure)}</p>" for entry in outcome.failed]
    parts += [_details(entry) for entry in outcome.ranked]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title>'
    return f"<!doctype html><html lang=en><head>{head}<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"


def plot(outcome: Outcome) -> bytes:
    """Accuracy against speed, and memory and start, as a PNG.

    Raises: EngineUnavailableError when matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise EngineUnavailableError(f"the picture needs matplotlib: {install_command('bakeoff')}") from None
    entries = outcome.ranked
    names = [entry.candidate.name for entry in entries]
    figure = Figure(figsize=(10, 0.5 * len(names) + 2.5), layout="constrained")
    FigureCanvasAgg(figure)
    wait = any(entry.wait_ms(0.5) is not None for entry in entries)
    panels = (
        ("right, %", [100 * (entry.accuracy or 0.0) for entry in entries], None),
        (
            f"{outcome.unit}, ms (line: p95)" if wait else "real-time factor",
            [(entry.wait_ms(0.5) if wait else entry.real_time_factor) or 0.0 for entry in entries],
            [entry.wait_ms(0.95) or 0.0 for entry in entries] if wait else None,
        ),
        ("memory, MB", [entry.peak_mb or 0.0 for entry in entries], None),
        ("cold start, s", [entry.cold_median_s or 0.0 for entry in entries], None),
    )
    places = list(range(len(names)))
    for number, (label, values, further) in enumerate(panels):
        axes = figure.add_subplot(1, len(panels), number + 1)
        axes.barh(places, values, color=["#2a7"] + ["#789"] * (len(values) - 1))
        if further:
            axes.hlines(places, values, further, color="#333")
        axes.set_yticks(places, names if number == 0 else [""] * len(names))
        axes.invert_yaxis()
        axes.set_xlabel(label, fontsize=8)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{outcome.kind}: {outcome.machine}", fontsize=9)
    made = io.BytesIO()
    figure.savefig(made, format="png", dpi=120)
    return made.getvalue()


def _table(outcome: Outcome) -> str:
    head = "".join(f"<th>{html.escape(column.title)}</th>" for column in outcome.columns)
    rows = "".join(
        f"<tr><td>{html.escape(entry.candidate.name)}</td>"
        + "".join(f"<td>{html.escape(cell(column, entry))}</td>" for column in outcome.columns)
        + "</tr>"
        for entry in outcome.ranked
    )
    return f"<div class=scroll><table><tr><th></th>{head}</tr>{rows}</table></div>"


def _details(entry: Entry) -> str:
    wrong = [trial for trial in entry.trials if trial.right is False]
    shown = "".join(f"<tr><td>{html.escape(trial.item)}</td><td class=wrong>{html.escape(_result(trial))}</td></tr>" for trial in wrong)
    summary = f"{entry.candidate.name}: {len(wrong)} of {len(entry.trials)} wrong"
    return f"<details><summary>{html.escape(summary)}</summary><table>{shown}</table></details>" if wrong else ""


def _result(trial: Trial) -> str:
    return trial.error or trial.got or "(nothing)"
