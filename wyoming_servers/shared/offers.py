"""What a server's `info` says it offers."""

from wyoming.info import Artifact, Info

from .protocol import printable

KINDS = ("wake", "asr", "intent", "handle", "tts", "mic", "snd")


def programs(info: Info, kind: str) -> list[Artifact]:
    """The installed programs of one kind. None of a satellite's: what it lists besides itself only says what it listens for."""
    if info.satellite and info.satellite.installed:
        return []
    return [program for program in getattr(info, kind) if program.installed]


def kinds(info: Info) -> list[str]:
    """The kinds it can be used for; `intent` servers answer what `handle` servers do."""
    found = [kind for kind in KINDS if programs(info, kind)]
    return [*found, "satellite"] if info.satellite and info.satellite.installed else found


def summary(info: Info) -> str:
    """One line: `asr phrases, tts espeak`."""
    named = [f"{kind} {printable(str(program.name), 60)}" for kind in KINDS for program in programs(info, kind)]
    if info.satellite and info.satellite.installed:
        named.append(f"satellite {printable(str(info.satellite.name), 60)}")
    return ", ".join(named)
