"""Which of our settings the owner of an add-on sees, and how what was chosen there becomes settings."""

import dataclasses
import json
import logging
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..shared.engines import EngineSpec
from ..shared.errors import SettingsError
from ..shared.settings import Settings, Source, nested

_LOGGER = logging.getLogger(__name__)
Engines = Mapping[str, Sequence[EngineSpec]]
"""kind → its engines."""
SERVERS, SATELLITE = "earshot", "earshot_satellite"
EXTRAS = ("camera", "faster-whisper", "kokoro", "microwakeword", "onnx", "openai", "piper", "riva", "sherpa-onnx")
"""What the servers' image installs besides the base: every engine but CSM, whose libraries take gigabytes and a GPU."""
PORT, SATELLITE_PORT, INGRESS_PORT = 10300, 10700, 8099
INGRESS_GATEWAY = "172.30.32.2"
"""The Supervisor's proxy: whoever comes from there has logged in to Home Assistant."""


@dataclass(frozen=True)
class AddonOption:
    """One option of an add-on."""

    name: str
    """As Home Assistant shows it in YAML: `group.key`, or `key`."""
    title: str
    """A few words for its form."""
    setting: str = ""
    """The setting it stands for, whose type, default and text it has; empty for one of the kind `asr.model` below."""
    schema: str = ""
    """Home Assistant's type, where it does not follow from the setting."""
    text: str = ""
    """What it does, where the setting's own text does not fit."""


GROUPS = {
    "asr": ("Speech recognition", "How speech becomes text"),
    "tts": ("Voice", "How answers are spoken"),
    "wake": ("Wake word", "What it listens for"),
    "llm": ("Language model", "A server of your own that answers what no sentence template fits"),
    "network": ("Internet", "What may leave the house"),
    "models": ("Models", "Where models come from"),
}
"""Group → its title and text."""

_ENGINE_TEXT = "Which engine; auto takes the best whose model is here. The status page lists what each can do and lacks"
_MODEL_TEXT = (
    "{what} as ENGINE/NAME, for example {example}; the status page and the documentation list them. It is downloaded once, when the add-on "
    "starts. Empty takes the engine's own choice"
)
_URI_TEXT = "Address of the server, for engines that stand on another machine, for example {example}"
_KEY_TEXT = "Key that server wants, if it wants one"

_COMMON = (AddonOption("language", "Language", "language", schema="str"),)
_DEBUG = AddonOption(
    "debug", "Log everything", schema="bool", text="Write everything into the add-on's log, also what was said; for looking into a problem"
)

OPTIONS = {
    SERVERS: (
        *_COMMON,
        AddonOption("asr.engine", "Engine", "asr.engine", schema="engine", text=_ENGINE_TEXT),
        AddonOption("asr.model", "Model", schema="str?", text=_MODEL_TEXT.format(what="Model", example="faster-whisper/base.en")),
        AddonOption("asr.uri", "Server", schema="str?", text=_URI_TEXT.format(example="http://HOST:8000/v1")),
        AddonOption("asr.key", "Key", schema="password?", text=_KEY_TEXT),
        AddonOption("asr.end_of_speech", "Answer at once", "asr.end_of_speech"),
        AddonOption("asr.vad_sensitivity", "How soon a pause is the end", "asr.vad_sensitivity"),
        AddonOption("tts.engine", "Engine", "tts.engine", schema="engine", text=_ENGINE_TEXT),
        AddonOption("tts.model", "Voice", schema="str?", text=_MODEL_TEXT.format(what="Voice", example="piper/en_US-lessac-medium")),
        AddonOption("tts.uri", "Server", schema="str?", text=_URI_TEXT.format(example="http://HOST:8880/v1")),
        AddonOption("tts.key", "Key", schema="password?", text=_KEY_TEXT),
        AddonOption("wake.engine", "Engine", "wake.engine", schema="engine", text=_ENGINE_TEXT),
        AddonOption("wake.words", "Wake words", schema="[str?]", text="Words for pipelines that name none; none means every one there is"),
        AddonOption(
            "wake.threshold", "Threshold", schema="float(0,1)?", text="Score from which a word counts; higher means fewer false alarms"
        ),
        AddonOption("llm.base_url", "Server", "llm.base_url"),
        AddonOption("llm.model", "Model", "llm.model"),
        AddonOption("llm.key", "Key", "llm.key"),
        AddonOption("llm.prompt", "About this house", "llm.prompt"),
        AddonOption("network.egress", "Internet", "network.egress"),
        AddonOption("network.egress_hosts", "Exceptions", "network.egress_hosts"),
        AddonOption("network.proxy", "Proxy", "network.proxy"),
        AddonOption("models.offline", "Never download", "models.offline"),
        AddonOption("models.shared", "Folders with models", "models.shared"),
        AddonOption(
            "models.mirrors",
            "Mirrors",
            schema="[str?]",
            text="Other places to download from first, each as ADDRESS=MIRROR, for example https://huggingface.co=http://nas/hf",
        ),
        AddonOption("show_words", "Show what was said", "web.words", text="The status page lists what was said and answered, too"),
        _DEBUG,
    ),
    SATELLITE: (
        *_COMMON,
        AddonOption("name", "Name", "satellite.name", text="What this satellite is called; empty means Earshot Satellite"),
        AddonOption("area", "Area", "satellite.area"),
        AddonOption(
            "servers",
            "Servers",
            schema="str?",
            text="Address of Earshot's servers, tcp://HOST:10300; empty means the add-on Earshot from the same repository",
        ),
        AddonOption("assistant", "Who answers", "satellite.assistant"),
        AddonOption("mode", "Who hears the wake word", "satellite.mode"),
        AddonOption("wake_words", "Wake words", "satellite.wake_words"),
        AddonOption("volume", "Volume", "satellite.volume"),
        AddonOption("chimes", "Chimes", "satellite.chimes"),
        AddonOption("questions", "Listen after questions", "satellite.questions"),
        AddonOption("follow_up_s", "Follow-up", "satellite.follow_up_s"),
        _DEBUG,
    ),
}
"""Add-on → its options, in the order of the form."""


def image_engines(engines: Engines) -> dict[str, list[str]]:
    """kind → names of the engines whose libraries are in the image."""
    brought = {"", "phrases", *EXTRAS}
    return {kind: [spec.name for spec in specs if spec.extra in brought] for kind, specs in engines.items()}


def setting_field(key: str) -> tuple[dataclasses.Field, Any]:
    """The dataclass field of a setting and its type: `asr.engine`."""
    hint: Any = Settings
    for name in key.split("."):
        cls = hint
        hint = typing.get_type_hints(cls)[name]
    return next(field for field in dataclasses.fields(cls) if field.name == name), hint


def read_options(file: Path) -> dict[str, Any]:
    """What the owner has chosen, as the Supervisor writes it.

    Raises: SettingsError.
    """
    try:
        chosen = json.loads(file.read_text(encoding="utf-8"))
    except OSError as err:
        raise SettingsError(f"the add-on's options {file} cannot be read: {err.strerror}") from None
    except ValueError as err:
        raise SettingsError(f"the add-on's options {file} are not JSON: {err}") from None
    if not isinstance(chosen, dict):
        raise SettingsError(f"the add-on's options {file} must be an object")
    return chosen


def sources(addon: str, chosen: Mapping[str, Any], engines: Engines) -> list[Source]:
    """Settings for the chosen options, one source each, so that an error names the option.

    Raises: SettingsError.
    """
    flat = dict(_flat(addon, chosen))
    found = []
    for option in OPTIONS[addon]:
        if option.name in flat and option.setting:
            found.append(Source(f"add-on option {option.name}", nested(option.setting.split("."), flat[option.name])))
    if addon == SERVERS:
        found += _engine_sources(flat, engines)
        found += _mirrors(flat.get("models.mirrors", []))
    return found


def debug(chosen: Mapping[str, Any]) -> bool:
    """Whether everything is to be logged."""
    return chosen.get("debug") is True


def _flat(addon: str, chosen: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(name, value) of every option that was given a value. One of an older version is named and left out."""
    known = {option.name for option in OPTIONS[addon]}
    groups = {name.partition(".")[0] for name in known if "." in name}
    for key, value in chosen.items():
        if key in groups and not isinstance(value, Mapping):
            raise SettingsError(f"add-on option {key}: {value!r} is not a group of options")
        for name, single in {f"{key}.{inner}": given for inner, given in value.items()}.items() if key in groups else [(key, value)]:
            if name not in known:
                _LOGGER.warning("add-on option %s does not exist and is left out; there are: %s", name, ", ".join(sorted(known)))
            elif single is not None and single not in ("", []):
                yield name, single


def _engine_sources(flat: Mapping[str, Any], engines: Engines) -> Iterator[Source]:
    """Options of the chosen engine: model, address, key, wake words, threshold."""
    for kind, fields in _ENGINE_FIELDS.items():
        given = {name: flat[f"{kind}.{name}"] for name in fields if f"{kind}.{name}" in flat}
        name = str(flat.get(f"{kind}.engine", "auto"))
        model = given.get("model")
        if model is not None:
            label = f"add-on option {kind}.model"
            name, given["model"] = _engine_and_model(label, name, str(model), engines[kind])
            yield Source(label, {kind: {"engine": name}})
        for option, value in given.items():
            label = f"add-on option {kind}.{option}"
            for spec in _specs(label, name, option, engines[kind], fields):
                yield Source(label, nested((kind, "engines", spec.name, _field_of(spec, fields[option])), value))


_ENGINE_FIELDS = {
    "asr": {"model": ("model",), "uri": ("uri",), "key": ("key",)},
    "tts": {"model": ("voice",), "uri": ("uri",), "key": ("key",)},
    "wake": {"words": ("words",), "threshold": ("threshold",)},
}
"""kind → option → what engines call it."""


def _engine_and_model(label: str, engine: str, model: str, specs: Sequence[EngineSpec]) -> tuple[str, str]:
    """Engine and name from ENGINE/NAME; the engine may be left out when it is chosen."""
    before, slash, name = model.partition("/")
    if slash and before in {spec.name for spec in specs}:
        if engine not in ("auto", before):
            raise SettingsError(f"{label}: {model} is a model of {before}, but the engine is {engine}; choose {before} or auto")
        return before, name
    if engine == "auto":
        names = ", ".join(spec.name for spec in specs if _field_of(spec, ("model", "voice")))
        raise SettingsError(f"{label}: write ENGINE/NAME ({model!r} names no engine); engines with models: {names}")
    return engine, model


def _specs(label: str, engine: str, option: str, specs: Sequence[EngineSpec], fields: Mapping[str, tuple[str, ...]]) -> list[EngineSpec]:
    """The engines an option goes to: the chosen one, or with auto every one that has it."""
    able = [spec for spec in specs if _field_of(spec, fields[option])]
    chosen = [spec for spec in able if engine in ("auto", spec.name)]
    if not chosen or (engine == "auto" and option in ("uri", "key")):
        names = ", ".join(spec.name for spec in able)
        raise SettingsError(f"{label}: the engine {engine} takes none; leave it empty, or choose one of: {names}")
    return chosen


def _field_of(spec: EngineSpec, names: Sequence[str]) -> str:
    has = {field.name for field in dataclasses.fields(spec.load_class().Options)}
    return next((name for name in names if name in has), "")


def _mirrors(given: Any) -> Iterator[Source]:
    label = "add-on option models.mirrors"
    for text in given if isinstance(given, list) else [given]:
        address, equals, mirror = str(text).partition("=")
        if not (address and equals and mirror):
            raise SettingsError(f"{label}: {text!r} is not ADDRESS=MIRROR, for example https://huggingface.co=http://nas/hf")
        yield Source(label, {"models": {"mirrors": {address: mirror}}})
