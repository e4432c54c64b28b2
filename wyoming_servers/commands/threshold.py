"""`earshot threshold`: how sure a wake word must be, seen and changed while the server runs."""

import argparse

from wyoming.event import Event

from ..shared.client import WyomingClient
from ..shared.errors import PeerError, SettingsError
from ..shared.settings import Settings
from ..shared.uri import local_uri
from ..wake.server import THRESHOLDS_EVENT
from .common import load_settings, run_until_stopped, settings_arguments

_ANSWER_S = 10.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this command's options."""
    parser.add_argument("name", nargs="?", metavar="WORD", help="a wake word, for example hey_jarvis; without one all are shown")
    parser.add_argument("value", nargs="?", metavar="VALUE", help="0.01 to 1, higher means fewer false alarms; `default` undoes a change")
    parser.add_argument("--uri", help="the wake word server (default: the one on this machine)")
    settings_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Shows the thresholds in force, after the change if one was asked for.

    Raises: SettingsError, PeerError.
    """
    if args.name and args.value is None:
        raise SettingsError(f"give a threshold too: earshot threshold {args.name} 0.6 (or `default`)")
    return run_until_stopped(_change(args, load_settings(args)))


async def _change(args: argparse.Namespace, settings: Settings) -> int:
    uri = args.uri or settings.satellite.peers.wake or local_uri(settings.wake.uri)
    changes = {args.name: _value(args.value)} if args.name else {}
    async with await WyomingClient.connect(uri) as client:
        await client.send(Event(THRESHOLDS_EVENT, {"thresholds": changes}))
        answer = await client.receive(_ANSWER_S)
    thresholds = answer.data.get("thresholds")
    if answer.type != THRESHOLDS_EVENT or not isinstance(thresholds, dict):
        raise PeerError(f"{uri} is no wake word server of Earshot's: it answered {answer.type}")
    for name, threshold in thresholds.items():
        print(f"{name:<24} {threshold:g}")
    return 0


def _value(text: str) -> float | None:
    if text == "default":
        return None
    try:
        return float(text)
    except ValueError:
        raise SettingsError(f"{text!r} is no threshold (allowed: 0.01 to 1, or `default`)") from None
