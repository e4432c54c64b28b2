"""`earshot satellite`: microphone and loudspeaker."""

import argparse

from ..satellite import loop
from ..shared.settings import KINDS, Source, nested
from .common import load_settings, run_until_stopped, settings_arguments


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this command's options."""
    parser.add_argument("--mic", metavar="DEVICE|FILE.wav|-", help="microphone: a device, a WAV file, - for raw 16 kHz mono PCM on stdin")
    parser.add_argument("--speaker", metavar="DEVICE|FILE.wav|null", help="loudspeaker: a device, a WAV file to write, null for none")
    for kind in KINDS:
        parser.add_argument(f"--{kind}", metavar="URI", help=f"address of the {kind} server (default: found by mDNS)")
    settings_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Runs until stopped, or until a WAV file or standard input has been heard to its end.

    Raises: SettingsError, InvalidRequestError.
    """
    sources = [
        Source(f"--{name}", {"satellite": {name: value}}) for name in ("mic", "speaker") if (value := getattr(args, name)) is not None
    ]
    sources += [Source(f"--{kind}", nested(("satellite", "peers", kind), uri)) for kind in KINDS if (uri := getattr(args, kind))]
    settings = load_settings(args, *sources)

    async def work() -> int:
        await loop.run(settings)
        return 0

    return run_until_stopped(work())
