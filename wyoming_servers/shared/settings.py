"""Settings: shipped defaults ← the owner's file ← environment ← options, checked once, then frozen."""

import dataclasses
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import voluptuous as vol
import yaml

from . import paths
from .errors import SettingsError
from .house import House
from .schema import explain, option, validator

FILE_NAME = "assistant.yaml"
ENVIRONMENT_PREFIX = "EARSHOT__"
KINDS = ("wake", "asr", "handle", "tts")
DEFAULT_PORTS = {"tts": 10200, "asr": 10300, "wake": 10400, "handle": 10500, "satellite": 10700}


@dataclass(frozen=True)
class ServerSection:
    """What every server has."""

    uri: str = option("", "tcp://[::]:PORT lets the house in, tcp://127.0.0.1:PORT only this machine; empty is the usual port")
    engine: str = option("auto", "which engine; auto takes the best that can run here, `earshot engines` lists them")
    streams: int = option(2, "requests worked on at the same time", minimum=1, maximum=64)
    waiting: int = option(16, "requests that may wait for a place; further ones are refused as busy", minimum=0, maximum=1024)
    deadline_s: float = option(20.0, "seconds one request may take once all its input is there", minimum=0.1, maximum=3600)
    engines: dict = option({}, "options by engine, for example `phrases: {…}`")


@dataclass(frozen=True)
class AsrSection(ServerSection):
    """The recogniser."""

    longest_s: float = option(30.0, "seconds of one utterance; it is transcribed up to there", minimum=1, maximum=600)
    end_of_speech: bool = option(
        False, "find the end of a command here and answer at once, instead of leaving both to the client; Home Assistant 2026.10 or later"
    )
    vad_sensitivity: str = option(
        "default",
        "with end_of_speech: how soon a pause is the end; relaxed waits 1.25 s, default 0.7 s, aggressive 0.25 s",
        choices=("default", "relaxed", "aggressive"),
    )
    no_speech_s: float = option(5.0, "with end_of_speech: wait for the first word", minimum=1, maximum=30)
    longest_turn_s: float = option(15.0, "with end_of_speech: longest command, in seconds from its first sample", minimum=2, maximum=60)


@dataclass(frozen=True)
class TtsSection(ServerSection):
    """The voice."""

    fallback: str = option("espeak", "engine that speaks when the chosen one fails, hangs or cannot be loaded; empty is none")
    patience_s: float = option(
        4.0,
        "seconds a listener waits in silence before the fallback speaks; more for an engine that is slow here",
        minimum=0.1,
        maximum=600,
    )
    normalize: bool = option(True, "say numbers, units, dates and signs in words; false leaves them to the engine")
    first_clause: bool = option(True, "begin with the first clause of a long first sentence, so that an answer is heard sooner")
    pronunciations: dict[str, str] = option({}, "how words are to be said, for example `Earshot: ear shot`")
    cache_mb: int = option(64, "megabytes of finished phrases kept on disk; 0 keeps none", minimum=0, maximum=100_000)


@dataclass(frozen=True)
class HandleSection:
    """The intent server."""

    uri: str = option("", "where it listens; empty means the usual port")
    deadline_s: float = option(10.0, "seconds one sentence may take", minimum=0.1, maximum=3600)
    waiting: int = option(32, "sentences that may wait; further ones are refused as busy", minimum=0, maximum=1024)
    database: str = option("", "file that keeps timers; empty means timers.db in Earshot's state folder")
    intents: str = option("", "folder with sentence templates of your own; empty means intents in Earshot's data folder")
    reload_s: float = option(2.0, "seconds between looks whether files of sentences have changed; 0 never looks", minimum=0, maximum=3600)
    languages: int = option(3, "languages whose templates are kept in memory, 5 to 15 MB each", minimum=1, maximum=65)
    language_s: float = option(
        3.0, "seconds a sentence waits for the templates of a language that is used for the first time", minimum=0, maximum=60
    )
    tools: dict = option({}, "options by tool, for example `clock: {hours: 24}`; `{enabled: false}` switches one off")


@dataclass(frozen=True)
class LlmSection:
    """The language model that answers what no sentence template fits."""

    engine: str = option("openai", "how it is reached", choices=("openai",))
    base_url: str = option(
        "",
        "address of a server with OpenAI's chat API (llama.cpp, Ollama, vLLM, NIM), for example http://HOST:8080/v1; empty: none",
    )
    model: str = option(
        "", "which of the server's models; empty takes the one it serves, of several the best of the last `earshot bakeoff llm`"
    )
    key: str = option("", "key the server wants, sent as `Authorization: Bearer KEY`", secret=True)
    key_file: str = option("", "file that holds the key, so that it need not stand in the settings")
    ca_file: str = option("", "certificate (PEM) that an https server is known by; empty means those this machine trusts")
    connect_s: float = option(3.0, "seconds to wait for a connection", minimum=0.1, maximum=60)
    first_token_s: float = option(10.0, "seconds to wait for the first word of an answer; 60 for a Raspberry Pi", minimum=0.5, maximum=600)
    idle_s: float = option(8.0, "seconds to wait for each further word", minimum=0.5, maximum=600)
    total_s: float = option(60.0, "seconds one answer may take from the question to its last word", minimum=1, maximum=3600)
    max_tokens: int = option(200, "longest answer, in tokens", minimum=16, maximum=4096)
    temperature: float = option(0.2, "randomness of the model; 0 takes what is likeliest", minimum=0, maximum=2)
    thinking: bool = option(False, "let a model that can think do so before it answers; nothing is heard meanwhile")
    reasoning_effort: str = option(
        "auto",
        "sent to the server as it is, for example low; auto sends what switches thinking off where that is known; empty sends nothing",
    )
    rounds: int = option(3, "how often the model is asked for one answer, when its tool calls cannot be used", minimum=1, maximum=10)
    read_ahead: bool = option(
        True, "let the server read the conversation after each answer, so that the next comes sooner; false where tokens are paid for"
    )
    check_s: float = option(30.0, "seconds between looks whether the server is there and which model it has", minimum=1, maximum=3600)
    prompt: str = option("", "what the model should know besides, for example who lives here; short, for it is read with every model load")
    extra: dict = option({}, "further fields of each request, for example `{top_p: 0.8, id_slot: 0}` for llama.cpp")


@dataclass(frozen=True)
class HomeAssistantSection:
    """Home Assistant, whose names are heard and whose devices are controlled."""

    url: str = option("", "its address in this house, such as http://homeassistant.local:8123; empty: none. An add-on finds it by itself")
    token: str = option("", "long-lived access token of an administrator of Home Assistant", secret=True)
    token_file: str = option("", "file that holds the token, so that it need not stand in the settings")
    ca_file: str = option("", "certificate (PEM) that an https address is known by; empty means those this machine trusts")
    answer_s: float = option(5.0, "seconds to wait for a connection and for each answer", minimum=0.5, maximum=60)
    refresh_s: float = option(
        300.0, "seconds between looks at what Home Assistant does not tell by itself, such as what is exposed", minimum=5, maximum=86400
    )


@dataclass(frozen=True)
class PeersSection:
    """Where the satellite finds its servers; empty means by mDNS, this machine's own first."""

    wake: str = option("", "URI of the wake word server")
    asr: str = option("", "URI of the speech recogniser")
    handle: str = option("", "URI of the intent server")
    tts: str = option("", "URI of the voice")


@dataclass(frozen=True)
class MqttSection:
    """A broker that a satellite tells what happens, and takes a few commands from."""

    host: str = option("", "its name or address; empty is none")
    port: int = option(1883, "its port; 8883 with tls", minimum=1, maximum=65535)
    tls: bool = option(False, "encrypt, and check the broker's certificate")
    ca_file: str = option("", "certificate (PEM) that the broker is known by; empty means those this machine trusts")
    username: str = option("", "user name; empty is none")
    password_file: str = option("", "file that holds the password")
    topic: str = option("earshot", "beginning of every topic")


@dataclass(frozen=True)
class SatelliteSection:
    """Microphone, loudspeaker and turn taking."""

    name: str = option("", "what this satellite is called; empty means the machine's name")
    area: str = option("", "the room it stands in")
    mic: str = option("", "device name or number, FILE.wav, - for raw 16 kHz PCM on standard input; empty means the system's default")
    speaker: str = option("", "device name or number, FILE.wav, null; empty means the system's default")
    volume: float = option(1.0, "loudness of speech and chimes", minimum=0, maximum=2)
    wake_words: tuple[str, ...] = option((), "which wake words it listens for; empty means the wake server's default")
    targets: dict[str, str] = option(
        {}, "which assistant a wake word addresses, for example `hey_jarvis: home_assistant`; others address `assistant`"
    )
    echo_cancel: str = option(
        "none",
        "what takes our own voice out of the microphone's sound, so that whoever speaks interrupts an answer: webrtc, a library of the "
        'extra `echo`; device, which is the sound card or the system; with none, only a wake word and "stop" interrupt',
        choices=("none", "webrtc", "device"),
    )
    muted: bool = option(False, "start with the microphone switched off; what was switched since then is remembered")
    chimes: bool = option(True, "sounds for wake, done and error")
    silence_s: float = option(
        0.6,
        "silence that ends a command; a third of it where nothing can follow, nearly three times where more must",
        minimum=0.1,
        maximum=3,
    )
    speculate: str = option(
        "auto",
        "auto works on a command in every pause, in case it was all, unless that slows the recogniser down; off waits for the end",
        choices=("auto", "off"),
    )
    end_of_turn: str = option(
        "auto",
        "model that hears from the voice whether you have finished: auto is smart-turn where it is installed; a name such as "
        "smart-turn/v3.2, fetched if need be, or a file; none listens to the words only",
    )
    no_speech_s: float = option(5.0, "wait for the first word after the wake word", minimum=1, maximum=30)
    longest_s: float = option(15.0, "longest command", minimum=2, maximum=60)
    assistant: str = option(
        "auto",
        "who answers: local, home_assistant, or auto, which is Home Assistant while it is connected and local otherwise",
        choices=("auto", "local", "home_assistant"),
    )
    uri: str = option("tcp://[::]:10700", "where Home Assistant reaches it; `none` lets nobody in")
    mode: str = option(
        "wake",
        "wake finds wake words here; stream has Home Assistant find them, in all sound; vad the same, but sends only what may be speech",
        choices=("wake", "stream", "vad"),
    )
    home_assistant_s: float = option(30.0, "seconds to wait for Home Assistant's answer to what it has understood", minimum=1, maximum=300)
    questions: bool = option(True, "after a question of Home Assistant's, listen for the answer without a wake word")
    follow_up_s: float = option(0.0, "seconds after an answer when a command needs no wake word; 0 is off", minimum=0, maximum=30)
    asr_s: float = option(8.0, "seconds to wait for the transcript", minimum=0.5, maximum=120)
    handle_s: float = option(12.0, "seconds to wait for the answer", minimum=0.5, maximum=300)
    tts_s: float = option(5.0, "seconds to wait for the first, and each further, piece of speech", minimum=0.5, maximum=120)
    hooks: dict = option({}, 'what is done at an event, for example `listening: led on` or `"*": http://HOST/`; see docs/hooks.md')
    mqtt: MqttSection = option(MqttSection(), "broker that is told what happens here")
    ring_s: float = option(60.0, "seconds a finished timer rings unless stopped", minimum=0, maximum=900)
    peers: PeersSection = option(PeersSection(), "servers given by address")


@dataclass(frozen=True)
class NetworkSection:
    """Discovery, and what may leave the house."""

    zeroconf: bool = option(True, "announce servers and find others by mDNS")
    egress: str = option(
        "allow",
        "whether tools, engines and the language model may ask servers outside the house: allow, or deny for all but egress_hosts; "
        "`earshot egress` lists what left",
        choices=("allow", "deny"),
    )
    egress_hosts: tuple[str, ...] = option((), "hosts that may be asked although egress is deny, for example `api.open-meteo.com`")
    proxy: str = option("", "http://HOST:PORT of a proxy through which tools leave the house; empty is none, also not the environment's")


@dataclass(frozen=True)
class ModelsSection:
    """Models on disk, and where missing ones come from."""

    folder: str = option("", "where models are kept; empty means models in Earshot's data folder")
    shared: tuple[str, ...] = option((), "further folders with models, only read: one on a network disk serves several machines")
    offline: bool = option(False, "never download anything")
    mirrors: dict[str, str] = option(
        {}, "other places to fetch from first, by the beginning of an address: `https://huggingface.co: http://nas/hf`"
    )
    token_file: str = option("", "file with a Hugging Face token, for models that need an account; HF_TOKEN in the environment wins")


@dataclass(frozen=True)
class WebSection:
    """The status page."""

    uri: str = option("", "where `earshot run` shows a status page, for example http://127.0.0.1:10800; empty shows none")
    admit: tuple[str, ...] = option((), "addresses the page may be opened from; empty means every one that can reach it")
    turns: int = option(20, "how many of the last commands it lists, until the intent server is started again", minimum=0, maximum=200)
    words: bool = option(False, "list what was said and answered too; otherwise only when, how long it took and which tool answered")


@dataclass(frozen=True)
class Settings:
    """Everything the owner can set."""

    language: str = option("en", "the house's language, a BCP 47 tag")
    house: House = option(House(), "names of rooms, devices, places and timers")
    home_assistant: HomeAssistantSection = option(HomeAssistantSection(), "Home Assistant in this house")
    network: NetworkSection = option(NetworkSection(), "discovery")
    models: ModelsSection = option(ModelsSection(), "models on disk and their downloads")
    wake: ServerSection = option(ServerSection(), "wake word server")
    asr: AsrSection = option(AsrSection(), "speech recognition server")
    handle: HandleSection = option(HandleSection(), "intent server")
    llm: LlmSection = option(LlmSection(), "language model for what no sentence template fits")
    tts: TtsSection = option(TtsSection(), "speech synthesis server")
    satellite: SatelliteSection = option(SatelliteSection(), "microphone, loudspeaker, turn taking")
    web: WebSection = option(WebSection(), "status page: services, engines, the last commands")


@dataclass(frozen=True)
class Source:
    """One place settings come from."""

    name: str
    """How an error names it: a file, an environment variable, an option."""
    values: Mapping[str, Any]


def load(file: Path | None = None, environment: Mapping[str, str] | None = None, overrides: Sequence[Source] = ()) -> Settings:
    """The settings in force.

    file: the owner's; None means $XDG_CONFIG_HOME/earshot/assistant.yaml if it exists.
    environment: EARSHOT__SECTION__KEY=value; None means this process's.
    Raises: SettingsError that names the source, the key and what is allowed.
    """
    sources = [read_file(paths.content("config") / FILE_NAME)]
    own = file or paths.config_dir() / FILE_NAME
    if file is not None or own.exists():
        sources.append(read_file(own))
    sources += from_environment(os.environ if environment is None else environment)
    sources += overrides
    merged: dict[str, Any] = {}
    for source in sources:
        _check(source)
        merged = merge(merged, source.values)
    return validate(merged)


def read_file(path: Path) -> Source:
    """One settings file.

    Raises: SettingsError when it cannot be read or is not YAML.
    """
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as err:
        raise SettingsError(f"settings file {path} cannot be read: {err.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise SettingsError(f"settings file {path} is not YAML: {err}") from None
    if values is None:
        values = {}
    if not isinstance(values, dict):
        raise SettingsError(f"settings file {path} must hold `key: value` lines")
    return Source(str(path), values)


def from_environment(environment: Mapping[str, str]) -> list[Source]:
    """One source per variable EARSHOT__SECTION__KEY; its value is read as YAML, so lists and numbers work."""
    found = []
    for name in sorted(environment):
        if name.startswith(ENVIRONMENT_PREFIX):
            keys = [key.lower() for key in name.removeprefix(ENVIRONMENT_PREFIX).split("__")]
            found.append(Source(f"environment variable {name}", nested(keys, scalar(environment[name]))))
    return found


def nested(keys: Sequence[str], value: Any) -> dict[str, Any]:
    """`{a: {b: value}}` for the keys a, b."""
    for key in reversed(keys):
        value = {key: value}
    return value


def scalar(text: str) -> Any:
    """A value from an option or the environment, read as YAML; what is not YAML, and `null`, is text."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return text if value is None else value


def merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """`top` over `base`; mappings are merged, everything else is replaced."""
    merged = dict(base)
    for key, value in top.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def validate(values: Mapping[str, Any]) -> Settings:
    """Checked values as Settings, with the default addresses filled in.

    Raises: vol.Invalid.
    """
    checked = validator(Settings)(dict(values))
    settings = Settings(**checked)
    filled = {}
    for kind in KINDS:
        section = getattr(settings, kind)
        if not section.uri:
            filled[kind] = dataclasses.replace(section, uri=f"tcp://[::]:{DEFAULT_PORTS[kind]}")
    satellite = settings.satellite
    if not satellite.name:
        satellite = dataclasses.replace(satellite, name=socket.gethostname().partition(".")[0])
    return dataclasses.replace(settings, satellite=satellite, **filled)


def _check(source: Source) -> None:
    try:
        validate(source.values)
    except vol.Invalid as err:
        raise SettingsError(f"{source.name}: {explain(err, Settings)}") from None
