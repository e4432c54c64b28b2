"""`earshot check URI|KIND`: one describe round trip, for health checks and for start scripts."""

import argparse
import asyncio
import time

from wyoming.info import Info

from ..shared.client import DESCRIBE_TIMEOUT_S, describe
from ..shared.errors import PeerError
from ..shared.offers import summary
from ..shared.settings import KINDS
from ..shared.uri import local_uri
from .common import load_settings, settings_arguments

_AGAIN_S = 0.5


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this command's options."""
    parser.add_argument("uri", metavar="URI|KIND", help=f"tcp://HOST:PORT, unix:///PATH, or this machine's own: {', '.join(KINDS)}")
    parser.add_argument("--timeout", type=_seconds, default=DESCRIBE_TIMEOUT_S, metavar="SECONDS", help="give one try this long")
    parser.add_argument("--wait", type=_seconds, default=0.0, metavar="SECONDS", help="try again until it is healthy, for this long")
    parser.add_argument("--answering", action="store_true", help="that it answers is enough; its model may still be on the way")
    settings_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Exit 0 when the server answers and offers something (with --answering: when it answers).

    Raises: PeerError, PeerUnreachableError, SettingsError.
    """
    uri = local_uri(getattr(load_settings(args), args.uri).uri) if args.uri in KINDS else args.uri
    begun = time.monotonic()
    info, took_ms = asyncio.run(_ask(uri, args.timeout, begun + args.wait, args.answering))
    offers = summary(info)
    print(f"{uri}: {offers or 'offers nothing'} ({took_ms:.0f} ms)")
    return 0 if offers or args.answering else 1


async def _ask(uri: str, timeout_s: float, until: float, answering: bool) -> tuple[Info, float]:
    """(what it offers, round trip in ms) of the first try that is good enough, or of the last one before `until`."""
    while True:
        begun = time.monotonic()
        again = begun + _AGAIN_S < until
        try:
            info = await describe(uri, timeout_s)
        except PeerError:
            if not again:
                raise
        else:
            if answering or summary(info) or not again:
                return info, (time.monotonic() - begun) * 1000
        await asyncio.sleep(_AGAIN_S)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to 3600")
    return seconds
