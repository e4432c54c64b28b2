"""`earshot check URI`: one describe round trip, for health checks."""

import argparse
import asyncio
import time

from ..shared.client import DESCRIBE_TIMEOUT_S, describe
from ..shared.offers import summary


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this command's options."""
    parser.add_argument("uri", help="tcp://HOST:PORT or unix:///PATH")
    parser.add_argument("--timeout", type=float, default=DESCRIBE_TIMEOUT_S, metavar="SECONDS", help="give up after this long")


def run(args: argparse.Namespace) -> int:
    """Exit 0 when the server answers and offers something.

    Raises: PeerError, PeerUnreachableError, SettingsError.
    """
    begun = time.monotonic()
    info = asyncio.run(describe(args.uri, args.timeout))
    took_ms = (time.monotonic() - begun) * 1000
    offers = summary(info)
    print(f"{args.uri}: {offers or 'offers nothing'} ({took_ms:.0f} ms)")
    return 0 if offers else 1
