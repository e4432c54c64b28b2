"""The voices a Riva server has: `Magpie-Multilingual.EN-US.Aria` and its moods."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..shared.engines import EngineContext, Model
from ..shared.errors import PeerError, SettingsError
from ..shared.protocol import printable
from ..shared.riva import AUTHOR, RivaLink, RivaServer, Unary, ask_server, tags
from ..shared.schema import option

SETTING = "tts.engines.riva"
STAND_IN = "default"
"""The name of what is listed until the server has been reached; it stays good for the server's default afterwards."""
_URL = "https://docs.nvidia.com/nim/speech/latest/tts/"


@dataclass(frozen=True)
class RivaTtsOptions(RivaServer):
    """Settings of the riva engine of speech synthesis."""

    voice: str = option("", "the voice used when a client names none; empty means the first that speaks the house's language")
    language: str = option("", "language that is offered while the server does not tell, for example en-US; empty means the house's")
    rate_hz: int = option(22_050, "samples per second asked for; the model's own, 22050 for Magpie, is best", minimum=8000, maximum=48_000)
    streaming: bool = option(True, "ask for sound as it is made; false asks for each sentence as a whole, for models that cannot stream")
    timeout_s: float = option(15.0, "seconds one sentence may take", minimum=0.1, maximum=600)


@dataclass(frozen=True)
class Voice:
    """One voice as the server describes it."""

    name: str
    tags: tuple[str, ...]
    moods: tuple[str, ...] = ()
    """Ends that the name may have besides: `Happy`, `Calm`."""


def server(options: RivaTtsOptions) -> str:
    """Names the server in logs, and in what is remembered of it."""
    return f"the Riva voice {options.uri} {options.function_id}".strip()


def ask(options: RivaTtsOptions, context: EngineContext) -> list[Voice]:
    """What the server has. Blocking.

    Raises: PeerError, DeadlineError.
    """
    from riva.client.proto import riva_tts_pb2, riva_tts_pb2_grpc

    request = riva_tts_pb2.RivaSynthesisConfigRequest()

    def begin(link: RivaLink) -> Unary:
        stub: Any = riva_tts_pb2_grpc.RivaSpeechSynthesisStub(link.channel)
        return link.call(stub.GetRivaSynthesisConfig, request, options.connect_s)

    found: dict[str, Voice] = {}
    for config in ask_server(options, SETTING, context, begin).model_config:
        spoken = tags(config.parameters) or (context.language,)
        for name in _names(config):
            found.setdefault(name, Voice(name, _locale(name, spoken)))
    if not found:
        raise PeerError(f"{options.uri} has no voice; is it a server of another kind, or still loading?")
    return _with_moods(found, options.voice)


def preferred(voices: Sequence[Voice], options: RivaTtsOptions, context: EngineContext) -> list[Voice]:
    """The same voices, the default first: the settings', else the first that speaks the house's language; that comes first in each."""
    if options.voice and all(voice.name != options.voice for voice in voices):
        some = ", ".join(voice.name for voice in voices[:8])
        raise SettingsError(f"{SETTING}.voice: {printable(options.voice, 60)!r} is not at {options.uri}; it has {len(voices)}, as {some}")
    house = context.language

    def rank(voice: Voice) -> tuple[bool, bool]:
        return voice.name != options.voice, not any(_same(tag, house) for tag in voice.tags)

    ordered = sorted(voices, key=rank)
    return [replace(voice, tags=tuple(sorted(voice.tags, key=lambda tag: (tag != house, not _same(tag, house))))) for voice in ordered]


def listed(voice: Voice, options: RivaTtsOptions) -> Model:
    """As the server lists it to its clients."""
    return Model(voice.name, f"{voice.name} at {options.uri}", voice.tags, AUTHOR, _URL, speakers=voice.moods)


def _names(config: Any) -> list[str]:
    """`subvoices` is `EN-US.Aria:0,EN-US.Aria.Happy:1`; the number is the model's own affair."""
    family = config.parameters.get("voice_name", "") or config.model_name
    parts = [part.strip().rpartition(":") for part in config.parameters.get("subvoices", "").split(",")]
    names = [name if colon else number for name, colon, number in parts]
    return [f"{family}.{name}" for name in names if name] or ([family] if family else [])


def _locale(name: str, spoken: tuple[str, ...]) -> tuple[str, ...]:
    """The language that stands in the name; all of the model's when there is none."""
    parts = {part.casefold() for part in name.split(".")}
    return tuple(tag for tag in spoken if tag.casefold() in parts) or spoken


def _with_moods(voices: dict[str, Voice], chosen: str) -> list[Voice]:
    """`X.Happy` is a mood of `X` if there is an X, unless the owner has chosen it as the voice."""
    moods: dict[str, list[str]] = {}
    for name in voices:
        base, _, mood = name.rpartition(".")
        if base in voices and name != chosen:
            moods.setdefault(base, []).append(mood)
    folded = {f"{base}.{mood}" for base, ends in moods.items() for mood in ends}
    return [replace(voice, moods=tuple(moods.get(name, ()))) for name, voice in voices.items() if name not in folded]


def _same(one: str, other: str) -> bool:
    return _base(one) == _base(other)


def _base(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()
