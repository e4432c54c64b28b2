"""`earshot doctor`: looks for what may be wrong on this machine and in this house, and says what mends it."""

import argparse
import asyncio
import json
import os
import sys
import textwrap

from ..doctor.examination import Examined, examine
from ..doctor.finding import Finding, State, Visit
from ..doctor.table import CHECKS, Check
from ..shared import paths, settings
from ..shared.errors import SettingsError
from ..shared.machine import machine
from .common import load_settings, settings_arguments

_COLUMNS = 80
_MARKS = {State.OK: "ok", State.NOTE: "note", State.WARNING: "WARNING", State.FAILURE: "FAILURE"}
_INDENT = 9


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this command's options."""
    names = [check.section for check in CHECKS]
    parser.add_argument(
        "--section", action="append", default=[], choices=names, metavar="NAME", help=f"only this; again for more: {', '.join(names)}"
    )
    parser.add_argument("--wake", action="store_true", help="also listen for 15 s and say how sure each wake word was")
    parser.add_argument("--play", action="store_true", help="play a chime on the loudspeaker")
    parser.add_argument("--json", action="store_true", help="print one JSON object (docs/doctor.md)")
    settings_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Exit 0 when nothing failed, 1 when something did."""
    wanted = [check for check in CHECKS if check.section in args.section]
    if not args.section:
        wanted = [check for check in CHECKS if not check.asked_only]
    if args.wake and all(check.section != "wake" for check in wanted):
        wanted.append(next(check for check in CHECKS if check.section == "wake"))
    examined = asyncio.new_event_loop().run_until_complete(_examine(_visit(args), wanted, tell=not args.json))
    if args.json:
        print(json.dumps(as_json(examined), indent=2, ensure_ascii=False))
    else:
        print(_summary(examined))
    status = 1 if any(finding.state is State.FAILURE for each in examined for finding in each.findings) else 0
    if any(each.stuck for each in examined):
        sys.stdout.flush()
        os._exit(status)  # what holds a thread for ever, a network disk that is gone, would hold this process as well
    return status


def as_json(examined: list[Examined]) -> dict:
    """What --json prints."""
    found = [(each.check, finding) for each in examined for finding in each.findings]
    states = [finding.state for _, finding in found]
    return {
        "machine": machine(),
        "worst": max(states, key=list(State).index, default=State.OK),
        "findings": [
            {"section": check.section, "state": finding.state, "text": finding.text, "mend": finding.mend, "data": finding.data}
            for check, finding in found
        ],
    }


def shown(section: str, finding: Finding) -> str:
    """A finding as lines of at most 80 columns; what cannot be cut, such as a command, may be longer."""
    lines = textwrap.wrap(
        f"{section}: {finding.text}",
        _COLUMNS,
        initial_indent=f"{_MARKS[finding.state]:<{_INDENT}}",
        subsequent_indent=" " * _INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )
    if finding.mend:
        lines += textwrap.wrap(
            finding.mend,
            _COLUMNS,
            initial_indent=" " * _INDENT + "→ ",
            subsequent_indent=" " * (_INDENT + 2),
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


def _visit(args: argparse.Namespace) -> Visit:
    problem = ""
    try:
        loaded = load_settings(args)
    except SettingsError as err:
        problem, loaded = str(err), settings.validate(settings.read_file(paths.content("config") / settings.FILE_NAME).values)
    own = args.config or paths.config_dir() / settings.FILE_NAME
    return Visit(
        loaded, problem, own if own.exists() else None, play=args.play, prompt=lambda text: print(text, file=sys.stderr, flush=True)
    )


async def _examine(visit: Visit, wanted: list[Check], *, tell: bool) -> list[Examined]:
    examined = []
    async for each in examine(visit, wanted):
        examined.append(each)
        if tell:
            for finding in each.findings:
                print(shown(each.check.section, finding), flush=True)
    return examined


def _summary(examined: list[Examined]) -> str:
    states = [finding.state for each in examined for finding in each.findings]
    failures, warnings = states.count(State.FAILURE), states.count(State.WARNING)
    return f"\n{len(examined)} checks: {_count(failures, 'failure')}, {_count(warnings, 'warning')}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
