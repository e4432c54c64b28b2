"""Piper: neural voices that run on small machines."""

import datetime
import itertools
import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..shared.engines import EngineContext, Model
from ..shared.errors import AssistantError, BusyError, EngineError, EngineUnavailableError, UnknownNameError
from ..shared.espeak import plain
from ..shared.onnx_model import DEVICES, named, session
from ..shared.schema import option
from .engine import AudioBlock, TtsEngine, TtsRequest
from .piper_voices import PiperVoiceFile, best, descriptions, find, languages_of, nearest, rank

_LOGGER = logging.getLogger(__name__)
_ENGINE = "piper"
_AUTHOR, _URL = "Piper", "https://huggingface.co/rhasspy/piper-voices"
_WARM_UP = "1."
_LOADING_S = 2.0  # what is being loaded or fetched cannot be interrupted; after this long it is left to end by itself


@dataclass(frozen=True)
class PiperOptions:
    """Settings of the piper engine."""

    voice: str = option("", "default voice, for example en_US-amy-medium; empty means the best one here for the house's language")
    voices: dict[str, str] = option({}, "voice of a language, for example `de: de_DE-thorsten-medium`; these are loaded in advance")
    speakers: dict[str, str] = option(
        {}, "speaker of a voice with several when a request names none, for example `en_US-libritts-high: p3922`"
    )
    folder: str = option("", "one more folder with .onnx and .onnx.json files of voices, at any depth")
    length_scale: float = option(0.0, "slowness: 2 takes twice as long; 0 is the voice's own", minimum=0, maximum=5)
    noise_scale: float = option(-1.0, "liveliness of the sound; -1 is the voice's own", minimum=-1, maximum=2)
    noise_w_scale: float = option(-1.0, "liveliness of the rhythm; -1 is the voice's own", minimum=-1, maximum=2)
    volume: float = option(1.0, "loudness; above 1 it distorts", minimum=0.05, maximum=2)
    normalize: bool = option(True, "make every sentence equally loud")
    sentence_silence_ms: int = option(200, "pause between two sentences that come in one request", minimum=0, maximum=5000)
    voices_in_memory: int = option(3, "voices kept loaded, the latest used; a medium one takes about 100 MB", minimum=1, maximum=64)
    threads: int = option(0, "processor threads for one sentence; 0 means the physical cores, at most 8", minimum=0, maximum=256)
    device: str = option("auto", "where it is computed; auto takes CUDA when onnxruntime-gpu is installed", choices=DEVICES)


class PiperEngine(TtsEngine):
    """Piper (VITS) voices in this process: natural, and quicker than speech even on a Raspberry Pi 4.

    Voices are two files each, from https://huggingface.co/rhasspy/piper-voices or trained by yourself: drop them into `piper` in the
    models folder. Requests share the voices and run side by side. Licence: piper-tts is GPL-3.0 and runs inside of this server; every
    voice has a licence of its own, in the MODEL_CARD beside it, and some forbid commercial use.
    """

    Options = PiperOptions

    @classmethod
    def models(cls, options: PiperOptions, context: EngineContext) -> list[Model]:
        """Every usable voice, the default first; configured ones that are yet to be fetched too.

        Raises: EngineUnavailableError when a configured voice is neither here nor to be had.
        """
        voices = _find(options, context)
        chosen = _chosen(options, context, voices)
        order = [*chosen, *(voice.name for voice in sorted(voices.values(), key=rank))]
        described = descriptions(list(voices.values()))
        extra: dict[str, list[str]] = {}
        for tag, name in options.voices.items():
            extra.setdefault(_resolve(name, voices) or name, []).append(tag.replace("_", "-"))
        return [_model(name, voices.get(name), described.get(name, name), extra.get(name, [])) for name in dict.fromkeys(order)]

    def __init__(self, options: PiperOptions, context: EngineContext) -> None:
        """Fetches the default voice if need be and loads it; the other configured ones follow while it speaks.

        Raises: EngineError, EngineUnavailableError.
        """
        self._options, self._context = options, context
        self._expected: set[str] = set()
        self._voices = _find(options, context)
        chosen = _chosen(options, context, self._voices)
        if chosen and chosen[0] not in self._voices:
            context.store.ensure(_ENGINE, chosen[0])
            self._voices = _find(options, context)
        here = [name for name in chosen if _resolve(name, self._voices)]
        self._loaded = LoadedVoices(options)
        self._closed = threading.Event()
        _load_first(self._loaded, [self._file(name) for name in (*here, *self._voices)])
        self._expected.update(set(chosen) - set(here))
        self._loading = threading.Thread(target=self._load, args=(chosen[1:],), name="piper-load", daemon=True)
        self._loading.start()

    def synthesize(self, request: TtsRequest) -> Iterator[AudioBlock]:
        """Speech sentence by sentence in blocks of 100 ms, at the voice's rate.

        Raises: UnknownNameError, BusyError while the voice is being fetched, EngineError.
        """
        from piper import SynthesisConfig

        from .blocks import blocks  # numpy and soxr, which a server that only lists voices does without

        options, file = self._options, self._file(request.voice)
        config = SynthesisConfig(
            speaker_id=_speaker(file, request.speaker or options.speakers.get(file.name)),
            length_scale=options.length_scale or None,
            noise_scale=options.noise_scale if options.noise_scale >= 0 else None,
            noise_w_scale=options.noise_w_scale if options.noise_w_scale >= 0 else None,
            normalize_audio=options.normalize,
            volume=options.volume,
        )
        voice = self._loaded.get(file)
        sentences = iter(voice.synthesize(_unmarked(request.text), config))
        for number in itertools.count():
            with named(f"voice {file.name} failed"):
                sentence = next(sentences, None)
            if sentence is None:
                return
            if number and options.sentence_silence_ms:
                yield AudioBlock(bytes(sentence.sample_rate * options.sentence_silence_ms // 1000 * 2), sentence.sample_rate)
            yield from blocks(sentence.audio_float_array, sentence.sample_rate)

    def close(self) -> None:
        """Frees the voices."""
        self._closed.set()
        self._loading.join(_LOADING_S)
        self._loaded.clear()

    def _load(self, names: list[str]) -> None:
        """On a thread of its own: the voices of other languages, before somebody asks for them."""
        for number, name in enumerate(names, 2):
            if self._closed.is_set():
                return
            try:
                if name in self._expected:
                    self._fetch(name)
                if number <= self._options.voices_in_memory:
                    self._loaded.get(self._file(name))
            except AssistantError as err:
                _LOGGER.warning("%s", err)

    def _fetch(self, name: str) -> None:
        try:
            self._context.store.ensure(_ENGINE, name)
        finally:
            self._expected.discard(name)

    def _file(self, name: str) -> PiperVoiceFile:
        """Looks again when it is new here or gone.

        Raises: UnknownNameError, BusyError.
        """
        file = self._voices.get(name)
        if file is None:
            if name in self._expected:
                raise BusyError(f"voice {name} is still being fetched; try again")
            self._voices = voices = _find(self._options, self._context)
            file = voices.get(_resolve(name, voices) or "")
        if file is None:
            raise UnknownNameError(f"Piper has no voice {name!r} here; there are: {', '.join(sorted(self._voices)) or 'none'}")
        return file


class LoadedVoices:
    """The voices in memory, the latest used last. Several threads may want the same one: one loads, the others wait."""

    def __init__(self, options: PiperOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._voices: OrderedDict[PiperVoiceFile, Future[Any]] = OrderedDict()

    def get(self, file: PiperVoiceFile) -> Any:
        """The piper.PiperVoice, loaded now if need be.

        Raises: EngineError that names the file.
        """
        with self._lock:
            loaded = self._voices.get(file)
            mine = loaded is None
            if loaded is None:
                loaded = self._voices[file] = Future()
                while len(self._voices) > self._options.voices_in_memory:
                    self._voices.popitem(last=False)  # a request that speaks with it keeps it until it is done
            else:
                self._voices.move_to_end(file)
        if mine:
            try:
                loaded.set_result(self._load(file))
            except BaseException as err:
                with self._lock:
                    if self._voices.get(file) is loaded:
                        del self._voices[file]
                loaded.set_exception(err)
        return loaded.result()

    def clear(self) -> None:
        """Forgets all voices."""
        with self._lock:
            self._voices.clear()

    def _load(self, file: PiperVoiceFile) -> Any:
        import json

        from piper import PiperVoice
        from piper.config import PhonemeType, PiperConfig

        with named(f"{file.config_path} cannot be used"):
            config = PiperConfig.from_dict(json.loads(file.config_path.read_text(encoding="utf-8")))
        resources = file.path.parent
        if config.phoneme_type == PhonemeType.PINYIN and not (resources / "g2pW").is_dir():
            raise EngineError(
                f"voice {file.name} needs the folder g2pW in {resources}: unpack g2pw.tar.gz there, from zh/zh_CN/_resources of "
                "https://huggingface.co/datasets/rhasspy/piper-checkpoints"
            )
        network = session(file.path, threads=self._options.threads, device=self._options.device)
        voice = PiperVoice(session=network, config=config, download_dir=resources)
        with named(f"{file.path} cannot be used"):
            for _ in voice.synthesize(_WARM_UP):  # the first sentence of a network takes longer than those after it
                pass
        return voice


def _roots(options: PiperOptions, context: EngineContext) -> list[Path]:
    own = [Path(options.folder).expanduser()] if options.folder else []
    return own + [folder / _ENGINE for folder in context.store.folders]


def _find(options: PiperOptions, context: EngineContext) -> dict[str, PiperVoiceFile]:
    return find(_roots(options, context))


def _chosen(options: PiperOptions, context: EngineContext, voices: dict[str, PiperVoiceFile]) -> list[str]:
    """The default voice and those of the `voices` option. One that is not in `voices` will be fetched.

    Raises: EngineUnavailableError when that is not possible.
    """
    wanted = [options.voices[tag] for tag in sorted(options.voices, key=len)]  # `de` stands for more than `de-AT`
    default = options.voice or options.voices.get(context.language) or options.voices.get(context.language.partition("-")[0])
    if default:
        wanted.insert(0, default)
    chosen = [_resolve(name, voices) or _to_fetch(name, context) for name in wanted]
    if not default:
        own = best(voices.values(), context.language).name if voices else _proposed(context)
        chosen = [own, *chosen] if own else chosen
    return list(dict.fromkeys(chosen))


def _proposed(context: EngineContext) -> str:
    """The voice of the catalogue for a house that has none: one that anybody may use, if there is one. Empty when none may be fetched."""
    listed = context.store.catalogue.of(_ENGINE)
    name = nearest((voice.name for voice in listed if voice.commercial_use), context.language)
    name = name or nearest((voice.name for voice in listed), context.language)
    try:
        context.store.locate(_ENGINE, name)
    except EngineUnavailableError:
        return ""
    return name


def _resolve(name: str, voices: dict[str, PiperVoiceFile]) -> str | None:
    """The voice of this name, whatever its case, or the voice in the folder of this name."""
    if name in voices:
        return name
    folded = name.lower().replace("_", "-")
    matching = (voice for voice in voices.values() if folded in (voice.name.lower().replace("_", "-"), voice.folder.lower()))
    return next((voice.name for voice in matching), None)


def _to_fetch(name: str, context: EngineContext) -> str:
    if folder := context.store.locate(_ENGINE, name):
        raise EngineUnavailableError(f"has no usable voice in {folder}; what is wrong with it is in the log")
    return name


def _model(name: str, voice: PiperVoiceFile | None, description: str, tags: list[str]) -> Model:
    languages = voice.languages if voice else languages_of(name)
    speakers = tuple(speaker for speaker, _ in voice.speakers) if voice else ()
    return Model(
        name,
        description,
        tuple(dict.fromkeys((*languages, *tags))),
        _AUTHOR,
        _URL,
        version=_version(voice) if voice else None,
        speakers=speakers,
        installed=voice is not None,
    )


def _version(voice: PiperVoiceFile) -> str:
    """When its files were made: phrases that an older one has spoken are not used for a newer one."""
    return datetime.datetime.fromtimestamp(max(voice.changed_ns) / 1e9, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")


def _load_first(loaded: LoadedVoices, files: list[PiperVoiceFile]) -> None:
    """Loads the default; when it is broken, says so and takes another, so that the rest can be spoken with."""
    failed: EngineError | None = None
    for file in files:
        try:
            loaded.get(file)
            return
        except EngineError as err:
            failed = failed or err
            _LOGGER.warning("%s", err)
    raise failed or EngineUnavailableError("has no voice on this machine: earshot models list --engine piper")


def _speaker(file: PiperVoiceFile, name: str | None) -> int | None:
    """Its number, None for the voice's own choice.

    Raises: UnknownNameError.
    """
    if not name:
        return None
    numbers = dict(file.speakers)
    if name not in numbers:
        if name.isdecimal() and int(name) in numbers.values():
            return int(name)
        have = ", ".join(itertools.islice(numbers, 32)) or "only one"
        raise UnknownNameError(f"voice {file.name} has no speaker {name!r}; it has {have}")
    return numbers[name]


def _unmarked(text: str) -> str:
    """Without what Piper gives a meaning of its own: control characters, and `[[…]]`, which it would take for phonemes."""
    return plain(text).replace("[[", "[").replace("]]", "]")
