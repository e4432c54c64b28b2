"""`earshot ask`: one question, as text or as a WAV file, to the running servers or to its own."""

import argparse
import asyncio
import json
import sys
import wave
from pathlib import Path

from ..shared.errors import InvalidRequestError
from ..shared.settings import Settings
from .common import load_settings, settings_arguments


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds this command's options."""
    parser.add_argument("text", nargs="?", help="what you would say")
    parser.add_argument("--wav", type=Path, metavar="FILE", help="a recording of what you say instead of text")
    parser.add_argument("--wake", action="store_true", help="the recording begins with a wake word; only what follows it counts")
    parser.add_argument("--say", type=Path, metavar="OUT.wav", help="write the spoken answer into this file")
    parser.add_argument("--json", action="store_true", help="print one object: transcript, intent, answer, milliseconds by stage")
    settings_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Prints the answer. Exit 0 when there is one.

    Raises: InvalidRequestError, SettingsError, EngineUnavailableError.
    """
    if (args.text is None) == (args.wav is None):
        raise InvalidRequestError('give either a text or --wav FILE, for example: earshot ask "what time is it"')
    if args.wake and args.wav is None:
        raise InvalidRequestError("--wake goes with --wav FILE")
    if args.say and not args.say.resolve().parent.is_dir():
        raise InvalidRequestError(f"--say {args.say}: there is no folder {args.say.resolve().parent}")
    return asyncio.run(_ask(args, load_settings(args)))


async def _ask(args: argparse.Namespace, settings: Settings) -> int:
    from ..satellite.ask import ask_recording, ask_text
    from ..shared.audio import read_wav
    from .peers import servers_for

    samples = read_wav(args.wav) if args.wav else None
    kinds = ["handle", *(["asr"] if args.wav else []), *(["wake"] if args.wake else []), *(["tts"] if args.say else [])]
    async with servers_for(kinds, settings) as peers:
        if samples is None:
            report, recording = await ask_text(peers, settings, args.text, speak=bool(args.say))
        else:
            report, recording = await ask_recording(peers, settings, samples, wake=args.wake, speak=bool(args.say))
    if args.say and recording.pcm:
        await asyncio.to_thread(_write_wav, args.say, recording.pcm, recording.rate_hz)
    if args.json:
        print(json.dumps(report.as_json(), ensure_ascii=False))
    elif report.answer:
        print(report.answer)
    if report.error or not report.answer:
        print(f"earshot: {report.error or _WHY.get(report.ended, report.ended)}", file=sys.stderr)
    return 0 if report.ended == "answered" else 1


_WHY = {
    "empty": "nothing was understood",
    "answered": "done; there is nothing to say to that",
}


def _write_wav(path: Path, pcm: bytes, rate_hz: int) -> None:
    try:
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(rate_hz)
            file.writeframes(pcm)
    except OSError as err:
        raise InvalidRequestError(f"{path} cannot be written: {err.strerror}") from None
