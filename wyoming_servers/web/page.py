"""The status page as HTML: no script, nothing fetched from elsewhere, fit for a telephone and for the dark."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from .. import __version__
from .status import EngineState, Program, ServiceStatus, Status, Turn

_REFRESH_S = 15
_NAMES = {"wake": "Wake word", "asr": "Speech recognition", "handle": "Conversation", "tts": "Voice", "satellite": "Satellite"}
_MODELS_SHOWN = 12
_STYLE = """
:root { color-scheme: light dark; --ink: #1d2733; --soft: #5d6b7a; --line: #d9e0e7; --card: #fff; --ground: #f2f5f8;
  --good: #16794b; --bad: #b3261e; --accent: #0b6e8f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6ebf0; --soft: #9aa8b6; --line: #2c3947; --card: #18212b; --ground: #0f161d;
  --good: #57c794; --bad: #ff8a80; --accent: #64c5e8; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 1.5rem 1rem 3rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1rem; }
h1 { font-size: 1.6rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; } h3 { margin: 0; font-size: 1rem; }
p { margin: .3rem 0; } a { color: var(--accent); }
.soft { color: var(--soft); font-size: .9rem; } .good { color: var(--good); } .bad { color: var(--bad); }
.services { display: grid; gap: .8rem; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .9rem 1rem; overflow-wrap: anywhere; }
.state { font-weight: 600; } .wide { overflow-x: auto; padding: 0; overflow-wrap: break-word; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
th, td { text-align: left; padding: .45rem .8rem; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; } tr:last-child td { border-bottom: 0; }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; } td.name { white-space: nowrap; }
ul { margin: .3rem 0; padding-left: 1.1rem; }
"""


def render(status: Status, base: str) -> str:
    """The whole document. base: what stands before every path, without a slash at its end (Home Assistant's ingress)."""
    at = datetime.fromtimestamp(status.at).astimezone()
    well = '<span class="good">all services answer</span>' if status.well else '<span class="bad">something is wrong</span>'
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="{_REFRESH_S}">
<title>Earshot</title>
<style>{_STYLE}</style>
</head>
<body>
<header><h1>Earshot</h1><span class="state">{well}</span>
<span class="soft">version {escape(__version__)} · {at:%H:%M:%S} · <a href="{escape(base)}/">load again</a> ·
<a href="{escape(base)}/status.json">as JSON</a></span></header>
<h2>Services</h2>
<div class="services">
{_joined(_service(service) for service in status.services)}
</div>
<h2>Last commands</h2>
{_turns(status)}
<h2>Engines</h2>
{_engines(status)}
</body>
</html>
"""


def _service(service: ServiceStatus) -> str:
    name = _NAMES.get(service.kind, service.kind)
    good = f'<span class="good">answers</span> {_ms(service.ms)}'
    state = f'<span class="bad">{escape(service.problem)}</span>' if service.problem else good
    about = "".join(_program(program) for program in service.programs)
    where = f'<p class="soft">{escape(service.uri)}</p>'
    return f'<section class="card"><h3>{escape(name)}</h3><p class="state">{state}</p>{about}{where}</section>'


def _program(program: Program) -> str:
    about = f'<br><span class="soft">{escape(program.description)}</span>' if program.description else ""
    return f"<p><strong>{escape(program.name)}</strong> {escape(program.version)}{about}</p>{_models(program.models)}"


def _models(models: Sequence[str]) -> str:
    if not models:
        return ""
    shown = "".join(f"<li>{escape(model)}</li>" for model in models[:_MODELS_SHOWN])
    more = f"<li>and {len(models) - _MODELS_SHOWN} more</li>" if len(models) > _MODELS_SHOWN else ""
    return f'<ul class="soft">{shown}{more}</ul>'


def _turns(status: Status) -> str:
    if not status.turns:
        return '<p class="soft">None since the start.</p>'
    words = "<th>Said</th><th>Answered</th>" if status.words else ""
    note = "" if status.words else '<p class="soft">What was said is not shown; the setting web.words shows it.</p>'
    rows = _joined(_turn(turn, status.words) for turn in status.turns)
    head = f"<tr><th>Time</th>{words}<th>Tool</th><th>Intent</th><th>Way</th><th>Language</th><th>Took</th></tr>"
    return f'{note}<div class="card wide"><table>{head}\n{rows}</table></div>'


def _turn(turn: Turn, words: bool) -> str:
    at = datetime.fromtimestamp(turn.at).astimezone()
    said = f"<td>{escape(turn.text)}</td><td>{escape(turn.answer)}</td>" if words else ""
    way = escape(turn.route) if turn.handled else f'<span class="bad">{escape(turn.route)}</span>'
    cells = "".join(f"<td>{escape(text) or '–'}</td>" for text in (turn.tool, turn.intent))
    return (
        f'<tr><td class="name">{at:%Y-%m-%d %H:%M:%S}</td>{said}{cells}<td>{way}</td><td>{escape(turn.language) or "–"}</td>'
        f'<td class="number">{_ms(turn.ms) or "–"}</td></tr>'
    )


def _engines(status: Status) -> str:
    problem = f'<p class="bad">{escape(status.engines_problem)}</p>' if status.engines_problem else ""
    if not status.engines:
        return problem
    rows = _joined(_engine(engine) for engine in status.engines)
    return f'{problem}<div class="card wide"><table><tr><th>For</th><th>Engine</th><th>State</th></tr>\n{rows}</table></div>'


def _engine(engine: EngineState) -> str:
    state = escape(engine.state)
    if engine.state.startswith("in use"):
        state = f'<span class="good state">{state}</span>'
    return (
        f'<tr><td class="name">{escape(_NAMES.get(engine.kind, engine.kind))}</td><td><strong>{escape(engine.name)}</strong><br>'
        f'<span class="soft">{escape(engine.summary)} · {escape(engine.licence)}</span></td><td>{state}</td></tr>'
    )


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.0f} ms"


def _joined(parts: Iterable[str]) -> str:
    return "\n".join(parts)
