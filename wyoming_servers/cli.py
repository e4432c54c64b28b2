"""The command `earshot`: finds the subcommand, loads only its module, turns our errors into one line."""

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from . import __version__
from .shared.errors import AssistantError, EngineUnavailableError, InvalidRequestError, SettingsError

COMMANDS = {
    "run": "servers and satellite on this machine, each its own supervised process",
    "serve": "one or more servers in this process",
    "satellite": "microphone and loudspeaker, talking to the servers it finds",
    "ask": "one question, as text or as a WAV file",
    "web": "status page: services, engines, the last commands",
    "discover": "every Wyoming server on the network",
    "doctor": "what may be wrong on this machine and in this house, and what mends it",
    "check": "is the server at this address healthy?",
    "install": "as services that start with the machine",
    "bakeoff": "engines side by side on this machine: accuracy, speed, memory",
    "engines": "engines that exist, which can run here, what the others lack",
    "tools": "tools that answer: which are on, off or broken, and why; writing one of your own",
    "languages": "languages that are spoken here, and what one of them lacks",
    "egress": "what left the house: when, to whom, how much, and what for",
    "routing": "labelled sentences: which tools a language model, or the templates, take them to",
    "models": "models of engines: what can be fetched, fetching, checking and deleting it",
    "threshold": "how sure a wake word must be, changed while the server runs",
    "config": "check settings, or print the defaults with their explanations",
    "addon": "inside Home Assistant's add-ons: servers or a satellite, as the add-on's options say",
}
"""name → one line of help; the module commands/<name>.py has `arguments(parser)` and `run(args) -> exit status`."""

_LASTING = ("run", "serve", "satellite", "web", "addon")  # they tell what they do; the others just answer

_HOPELESS = (SettingsError, EngineUnavailableError, InvalidRequestError)

EXIT_FAILURE = 1
EXIT_USAGE = 2
EXIT_HOPELESS = 78
"""The same command will fail again the same way: EX_CONFIG of sysexits.h. The supervisor does not start it again."""
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # since 1.29 ONNX Runtime would report to its maker; it looks when it is imported
    args = _parser(arguments).parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if args.debug else logging.INFO if args.command in _LASTING else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s" if args.debug else "%(levelname)s: %(message)s",
        stream=sys.stderr,
    )
    if not args.debug:
        logging.getLogger("zeroconf").setLevel(logging.ERROR)
        for library in ("httpx", "httpx2"):  # a line for every request
            logging.getLogger(library).setLevel(logging.WARNING)
    try:
        return args.run(args)
    except AssistantError as err:
        print(f"earshot: {err}", file=sys.stderr)
        return EXIT_HOPELESS if isinstance(err, _HOPELESS) else EXIT_FAILURE
    except BrokenPipeError:  # `earshot … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILURE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, with the way to the help."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"{self.prog}: {message}; see `{self.prog} --help`\n")


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(prog="earshot", description="A voice assistant that never lets sound leave the house.")
    parser.add_argument("--version", action="version", version=f"earshot {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    wanted = next((word for word in arguments if not word.startswith("-")), "")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        command.add_argument("--debug", action="store_true", help="log everything, with timestamps (also what was said)")
        if name == wanted:
            module = importlib.import_module(f".commands.{name}", __package__)
            module.arguments(command)
            command.set_defaults(run=module.run)
    return parser
