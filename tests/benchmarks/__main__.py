"""`script/bench [NAME…]`: measures, and prints machine, n, p50 and p95 beside the target."""

import argparse
import importlib
import inspect
import sys

from figures import print_table

from wyoming_servers.shared.machine import machine

BENCHMARKS = {
    "wake": "cost of one 80 ms frame",
    "recogniser": "real-time factor, and the wait after the last sample",
    "handle": "a sentence in a house of 200 names",
    "llm": "a question to a tool through a slow language model, in one pass and in two",
    "voice": "first sound over TCP, describe under load, memory",
    "loop": "end of speech to first sound of the answer, live through four servers",
    "failover": "a machine fails in the middle of a turn; needs root",
    "turn": "end of speech to first sound in eight kinds of house, beside its targets and two other ways to run a turn",
    "endpoint": "false commits against commit delay, by what was said and by silence alone",
    "reopening": "sentences with a pause in the middle: cut off, or heard out because the turn opens again",
    "engines": "Piper and faster-whisper behind our servers and behind wyoming-piper and wyoming-faster-whisper",
    "footprint": "time until ready, memory, and processor time while listening to silence",
}
"""name → what it measures; the module of that name has `measure() -> list[Figure]`, or `report(…)` that prints by itself and takes those of
the options that it has parameters for."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    shown = "; ".join(f"{name}: {what}" for name, what in BENCHMARKS.items())
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{shown} (default: all)")
    parser.add_argument("--long", action="store_true", help="turn: 200 turns in each house in real time, by all arms; hours")
    parser.add_argument("--real", action="store_true", help="turn: 50 spoken commands through the embedded engines instead; ten minutes")
    parser.add_argument("--model", default="", metavar="NAME", help="endpoint: also by a model of the voice: smart-turn, or a file")
    parser.add_argument("--recordings", default="", metavar="FOLDER", help="endpoint: of real voices (docs/endpointing.md)")
    options = parser.parse_args()
    names = options.names or list(BENCHMARKS)
    if unknown := [name for name in names if name not in BENCHMARKS]:
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    print(machine())
    for name in names:
        print(f"\n{name}: {BENCHMARKS[name]}")
        module = importlib.import_module(f"bench_{name}")
        if hasattr(module, "report"):
            module.report(**{option: getattr(options, option) for option in inspect.signature(module.report).parameters})
        else:
            print_table(module.measure())
    return 0


sys.exit(main())
