"""`earshot egress`: what left the house, from the ledger."""

import argparse
import json
import re
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from ..shared import ledger
from ..shared.errors import InvalidRequestError
from ..shared.progress import size
from ..shared.tool import Departure
from .common import load_settings, settings_arguments

_PERIOD = re.compile(r"(\d{1,4})([mhd])")
_SECONDS = {"m": 60, "h": 3600, "d": 86400}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this command's options."""
    parser.add_argument(
        "--since", default="today", metavar="WHEN", help="today (default), yesterday, a period such as 12h or 7d, or a date: 2026-11-21"
    )
    parser.add_argument("--all", action="store_true", help="also what stayed in the house and what reached nobody")
    parser.add_argument("--json", action="store_true", help="print the entries as JSON")
    settings_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the entries.

    Raises: InvalidRequestError, SettingsError.
    """
    entries = ledger.read(ledger.location(load_settings(args)), _moment(args.since))
    shown = [entry for entry in entries if args.all or entry.left]
    if args.json:
        print(json.dumps([asdict(entry) | {"left": entry.left} for entry in shown], indent=1, ensure_ascii=False))
    elif not shown:
        print("Nothing left the house." if not args.all else "Nobody was asked.")
    else:
        for entry in shown:
            print(_line(entry))
        print(_total(shown))
    return 0


def _moment(text: str) -> float:
    """The beginning of a period, seconds since 1970.

    Raises: InvalidRequestError.
    """
    midnight = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
    if text in ("today", "yesterday"):
        return (midnight - timedelta(days=text == "yesterday")).timestamp()
    if period := _PERIOD.fullmatch(text):
        return time.time() - int(period[1]) * _SECONDS[period[2]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise InvalidRequestError(f"--since {text}: write today, yesterday, 12h, 7d or a date such as 2026-11-21") from None


def _line(entry: Departure) -> str:
    when = datetime.fromtimestamp(entry.at).strftime("%Y-%m-%d %H:%M:%S")
    outcome = str(entry.status or "no answer") if entry.sent_bytes else "not reached"
    place = " (in the house)" if entry.local else ""
    volume = f"{size(entry.sent_bytes)} out, {size(entry.received_bytes)} in"
    return f"{when}  {entry.tool:<12} {entry.method:<4} {entry.host}{place}  {volume}  {outcome}  {entry.why}"


def _total(entries: Sequence[Departure]) -> str:
    left = [entry for entry in entries if entry.left]
    hosts = sorted({entry.host for entry in left})
    requests = "1 request" if len(left) == 1 else f"{len(left)} requests"
    to = f" to {', '.join(hosts)}" if hosts else ""
    return f"{requests} left the house{to}: {size(sum(e.sent_bytes for e in left))} out, {size(sum(e.received_bytes for e in left))} in."
