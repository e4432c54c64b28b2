"""The models a Riva server has for speech recognition, and which of them is meant."""

from dataclasses import dataclass
from typing import Any

from ..shared.engines import EngineContext, Model
from ..shared.errors import PeerError, SettingsError
from ..shared.protocol import printable
from ..shared.riva import AUTHOR, RivaLink, RivaServer, Unary, ask_server, tags
from ..shared.schema import option
from .languages import matching

SETTING = "asr.engines.riva"
ANY = "multi"
"""How multilingual models call a language that they find out themselves."""
STAND_IN = "default"
"""The name of what is listed until the server has been reached; it stays good for the server's default afterwards."""
_URL = "https://docs.nvidia.com/nim/speech/latest/asr/"


@dataclass(frozen=True)
class RivaAsrOptions(RivaServer):
    """Settings of the riva engine of speech recognition."""

    model: str = option("", "the model used when a client names none; empty means the first that knows the house's language")
    language: str = option("", "language that is offered while the server does not tell, for example en-US; empty means the house's")
    mode: str = option(
        "auto",
        "streaming sends audio while you speak, offline at the end of it; auto takes what the model is made for",
        choices=("auto", "streaming", "offline"),
    )
    punctuation: bool = option(False, "let the model set points, commas and capitals; intents are matched better without")
    digits: bool = option(False, "write numbers as digits")
    boost: float = option(20.0, "how much names of the house are preferred; 0 is off, NVIDIA recommends 20 to 100", minimum=0, maximum=200)
    stability: float = option(0.0, "words that are less stable than this are not shown while you speak", minimum=0, maximum=1)
    speech: float = option(
        0.5, "probability above which 32 ms count as speech; nothing is sent before the first; 0 sends everything", minimum=0, maximum=0.95
    )
    timeout_s: float = option(15.0, "seconds to wait for the transcript once all audio has been sent", minimum=0.1, maximum=600)


@dataclass(frozen=True)
class Offered:
    """One model as the server describes it."""

    name: str
    tags: tuple[str, ...]
    streams: bool


def server(options: RivaAsrOptions) -> str:
    """Names the server in logs, and in what is remembered of it."""
    return f"the Riva recogniser {options.uri} {options.function_id}".strip()


def ask(options: RivaAsrOptions, context: EngineContext) -> list[Offered]:
    """What the server has. Blocking.

    Raises: PeerError, DeadlineError.
    """
    from riva.client.proto import riva_asr_pb2, riva_asr_pb2_grpc

    request = riva_asr_pb2.RivaSpeechRecognitionConfigRequest()

    def begin(link: RivaLink) -> Unary:
        stub: Any = riva_asr_pb2_grpc.RivaSpeechRecognitionStub(link.channel)
        return link.call(stub.GetRivaSpeechRecognitionConfig, request, options.connect_s)

    found: dict[str, Offered] = {}
    for config in ask_server(options, SETTING, context, begin).model_config:
        model = Offered(config.model_name, tags(config.parameters) or (context.language,), config.parameters.get("type") != "offline")
        if config.model_name and (config.model_name not in found or model.streams):
            found[config.model_name] = model
    if not found:
        raise PeerError(f"{options.uri} has no recogniser; is it a server of another kind, or still loading?")
    return list(found.values())


def preferred(offered: list[Offered], options: RivaAsrOptions, context: EngineContext) -> list[Offered]:
    """Those the mode allows, the default first: the settings', else one that streams and knows the house's language."""
    usable = [model for model in offered if options.mode == "auto" or model.streams == (options.mode == "streaming")]
    if not usable:
        there = ", ".join(model.name for model in offered[:8])
        raise SettingsError(f"{options.uri} has no model for {SETTING}.mode={options.mode}; there are: {there}")
    if options.model and all(model.name != options.model for model in usable):
        there = ", ".join(model.name for model in usable[:8])
        raise SettingsError(f"{SETTING}.model: {printable(options.model, 60)!r} is not at {options.uri}; there are: {there}")

    def rank(model: Offered) -> tuple[bool, bool, bool]:
        return model.name != options.model, not _knows(model, context.language), not model.streams

    return sorted(usable, key=rank)


def _knows(model: Offered, language: str) -> bool:
    base = _base(language)
    return any(_base(tag) == base for tag in model.tags) or set(model.tags) == {ANY}


def _base(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()


def languages(model: Offered, house: str) -> tuple[str, ...]:
    """Without the tag that means any."""
    return tuple(tag for tag in model.tags if tag != ANY) or (house,)


def choose(wanted: str, fitting: list[Offered], context: EngineContext) -> tuple[str, Offered]:
    """The listed tag and the first model that has it.

    Raises: UnsupportedLanguageError.
    """
    tag = matching(wanted, [tag for model in fitting for tag in languages(model, context.language)])
    return tag, next(model for model in fitting if tag in languages(model, context.language))


def listed(model: Offered, options: RivaAsrOptions, context: EngineContext) -> Model:
    """As the server lists it to its clients."""
    how = "streaming" if model.streams else "at once"
    return Model(model.name, f"{model.name} at {options.uri}, {how}", languages(model, options.language or context.language), AUTHOR, _URL)
