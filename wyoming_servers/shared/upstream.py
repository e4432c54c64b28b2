"""Other Wyoming servers as engines: what they list, as our models."""

from collections.abc import Sequence

from wyoming.info import Artifact, Info

from .client import describe
from .engines import EngineContext, Model
from .errors import EngineUnavailableError, SettingsError
from .gate import Gate
from .portal import Portal
from .protocol import printable
from .recall import ask_or_recall, recall
from .uri import split_uri

STAND_IN = "default"
"""The name of what is listed until the server has been reached; it stays good for the server's default afterwards."""
_GRACE_S = 1.0
_OFFERS = ("asr", "tts", "handle", "intent", "wake", "mic", "snd")


def check_uri(kind: str, uri: str) -> None:
    """Raises: EngineUnavailableError when there is no address, SettingsError when it is none."""
    if not uri:
        raise EngineUnavailableError(f"needs the address of a server: --set {kind}.engines.wyoming.uri=tcp://HOST:PORT")
    split_uri(uri)


def ask_for_models(kind: str, uri: str, context: EngineContext, timeout_s: float) -> list[Model] | None:
    """The models (asr) or voices (tts) of the server at `uri`; those it had last while it cannot be reached, None when it never was.

    Blocking, for `timeout_s` at most.
    Raises: EngineUnavailableError when it is the wrong kind of server, or this engine's own.
    """
    gate = context.gate(kind)
    return ask_or_recall(context, _key(kind, uri), lambda: _models(kind, uri, context, _info(uri, timeout_s, gate)), gate)


def known_models(kind: str, uri: str, context: EngineContext) -> list[Model] | None:
    """What `ask_for_models` was told last."""
    return recall(context, _key(kind, uri))


def stand_in(uri: str, name: str, language: str) -> Model:
    """What is listed until the server has been reached."""
    return Model(name or STAND_IN, f"what {uri} has", (language,), "unknown", uri)


def preferred(models: Sequence[Model], name: str, language: str) -> list[Model]:
    """The same models, the default first: the one called `name`, else the first that is installed and knows `language`.

    Raises: SettingsError when none is called `name`.
    """
    if name and all(model.name != name for model in models):
        some = ", ".join(model.name for model in models[:8])
        raise SettingsError(f"{printable(name, 60)!r} is not there; {models[0].url or 'the server'} has {len(models)}, for example {some}")
    base = _base(language)

    def rank(model: Model) -> tuple[bool, bool, bool]:
        return model.name != name, base not in map(_base, model.languages), not model.installed

    return sorted(models, key=rank)


def _base(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()


def _key(kind: str, uri: str) -> str:
    return f"the {kind} server {uri}"


def _info(uri: str, timeout_s: float, gate: Gate | None) -> Info:
    portal = Portal(f"describe {uri}")  # unlike asyncio.run it does not wait for a look-up of a name that hangs
    try:
        return portal.call(describe(uri, timeout_s, gate), timeout_s + _GRACE_S)
    finally:
        portal.close()


def _models(kind: str, uri: str, context: EngineContext, info: Info) -> list[Model]:
    programs = info.asr if kind == "asr" else info.tts
    found: dict[str, Model] = {}
    described: set[tuple[str, str]] = set()
    for program in programs:
        for artifact in (program.models if kind == "asr" else program.voices) or [program]:
            model = _model(artifact, program, context.language, uri)
            if any((language, model.description) in described for language in model.languages):
                model = _model(artifact, program, context.language, uri, more=f" ({model.name})")
            described.update((language, model.description) for language in model.languages)
            found.setdefault(model.name, model)
    if not found:
        others = ", ".join(name for name in _OFFERS if getattr(info, name)) or "nothing"
        raise EngineUnavailableError(f"{uri} is no {kind} server; it offers: {others}")
    if stand_in(uri, "", "").description in (model.description for model in found.values()):
        raise EngineUnavailableError(f"{uri} is this server itself: {kind}.engines.wyoming.uri must be another one")
    return list(found.values())


def _model(artifact: Artifact, program: Artifact, language: str, uri: str, more: str = "") -> Model:
    by, above = artifact.attribution, program.attribution
    languages = [tag for tag in getattr(artifact, "languages", None) or () if isinstance(tag, str) and tag]
    return Model(
        str(artifact.name),
        str(artifact.description or artifact.name) + more,
        tuple(dict.fromkeys(languages)) or (language,),
        str(by.name or above.name or "unknown"),
        str(by.url or above.url or uri),
        str(artifact.version) if artifact.version else None,
        speakers=tuple(dict.fromkeys(str(speaker.name) for speaker in getattr(artifact, "speakers", None) or ())),
        installed=bool(artifact.installed),
    )
