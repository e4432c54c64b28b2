"""`earshot discover`: every Wyoming server on the network."""

import argparse
import asyncio
import json

from ..shared.discovery import Found, find
from ..shared.offers import kinds, summary

_BROWSE_S = 3.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this command's options."""
    parser.add_argument("--json", action="store_true", help="print one JSON list")
    parser.add_argument("--timeout", type=float, default=_BROWSE_S, metavar="SECONDS", help="how long to listen (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Exit 0 when at least one server answered."""
    found = asyncio.run(find(args.timeout))
    if args.json:
        print(json.dumps([_entry(server) for server in found], indent=2))
    elif not found:
        print("No Wyoming server answered. Is one running (`earshot run`), on this network, with multicast allowed?")
    else:
        width = max(len(server.name) for server in found)
        for server in found:
            offers = summary(server.info) if server.info else "does not answer"
            took = f"{server.round_trip_ms:.0f} ms" if server.round_trip_ms is not None else ""
            print(f"{server.name:<{width}}  {server.uri:<28}  {offers}  {took}".rstrip())
    return 0 if any(server.info for server in found) else 1


def _entry(server: Found) -> dict:
    return {
        "name": server.name,
        "uri": server.uri,
        "kinds": kinds(server.info) if server.info else [],
        "offers": summary(server.info) if server.info else None,
        "round_trip_ms": round(server.round_trip_ms, 1) if server.round_trip_ms is not None else None,
    }
