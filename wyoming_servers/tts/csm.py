"""CSM: Sesame's conversational voice, on a GPU."""

import contextlib
import json
import logging
import threading
import typing
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..shared.engines import EngineContext, Model
from ..shared.errors import AssistantError, EngineError, EngineUnavailableError, UnknownNameError
from ..shared.espeak import plain
from ..shared.schema import option
from ..shared.sentences import split
from .engine import AudioBlock, TtsEngine, TtsRequest

if typing.TYPE_CHECKING:
    from .csm_network import CsmNetwork, Pieces, Turn

_LOGGER = logging.getLogger(__name__)
_ENGINE, _MODEL = "csm", "csm-1b"
_AUTHOR, _URL = "Sesame", "https://huggingface.co/sesame/csm-1b"
_REFERENCE = "This is the voice that I am going to speak with from now on."
_SECONDS_PER_CHARACTER = 0.2  # slow speech is half of it; what takes longer is no longer the text
_SHORTEST_LIMIT_S = 3.0
_TRIES = 3  # chance may end a short sentence before its first sound
_PROMPT_S = 30.0  # of the 2048 places that text and sound share, 375


@dataclass(frozen=True)
class CsmOptions:
    """Settings of the csm engine."""

    model: str = option("", f"folder of the model; empty means the first that is here, or {_MODEL}")
    voice: str = option("", "default voice, one of your own; empty means the model's")
    speakers: int = option(4, "speakers of the model's own voice, named 0, 1, …; each sounds different", minimum=1, maximum=100)
    prompts: str = option("", "folder with voices of your own, see above; empty means csm-voices in Earshot's data folder")
    seed: int = option(1, "another number gives the speakers other voices", minimum=0, maximum=1_000_000)
    temperature: float = option(0.9, "liveliness; much more or less makes it mumble", minimum=0.1, maximum=1.5)
    longest_s: float = option(20.0, "seconds one sentence may take at most", minimum=0.5, maximum=90)
    device: str = option("auto", "where it is computed: auto, cuda, cuda:1, mps or cpu")


class CsmEngine(TtsEngine):
    """Sesame CSM-1B in this process: speech with breath and hesitation, English. It needs an NVIDIA GPU with 6 GB, or an Apple one.

    The model belongs in `csm/csm-1b` in the models folder; it needs an account at https://huggingface.co/sesame/csm-1b, where its terms
    are accepted (Apache-2.0, and no imitation of a person without consent). A voice of your own is a folder in `csm-voices` in
    Earshot's data folder, with recordings as .wav and what is said in each as .txt of the same name; ask whose voice it is. Sentences
    are made one after the other and sent while they are made.
    """

    Options = CsmOptions

    @classmethod
    def models(cls, options: CsmOptions, context: EngineContext) -> list[Model]:
        """The model's own voice and every voice with prompts, the default first.

        Raises: EngineUnavailableError when the model is neither here nor to be had, or not a CSM.
        """
        name, folder = _model(options, context)
        if folder is not None:
            _check(folder)
        speakers = tuple(str(number) for number in range(options.speakers))
        voices = [Model(name, "CSM", ("en",), _AUTHOR, _URL, speakers=speakers, installed=folder is not None)]
        for voice, recordings in _prompted(options, context).items():
            version = str(max(file.stat().st_mtime_ns for file in recordings.iterdir()))  # another recording makes it another voice
            voices.append(Model(voice, f"{voice} (your own)", ("en",), "you", _URL, version, installed=folder is not None))
        if options.voice and options.voice not in (voice.name for voice in voices):
            raise EngineUnavailableError(f"has no voice {options.voice!r}; there are: {', '.join(voice.name for voice in voices)}")
        return sorted(voices, key=lambda voice: voice.name != options.voice)

    def __init__(self, options: CsmOptions, context: EngineContext) -> None:
        """Fetches the model if need be, loads it, and lets the default voice say a first sentence.

        Raises: EngineError, EngineUnavailableError.
        """
        from .csm_network import CsmNetwork

        name, folder = _model(options, context)
        folder = folder or context.store.ensure(_ENGINE, name)
        _check(folder)
        self._options, self._context, self._name = options, context, name
        self._network = CsmNetwork(folder, _device(options.device), options.temperature)
        self._turns: dict[tuple[str, str], list[Turn]] = {}
        self._lock = threading.Lock()
        try:
            self._known(options.voice or name, "0")
        except AssistantError:
            self._network.close()
            raise

    def synthesize(self, request: TtsRequest) -> Iterator[AudioBlock]:
        """Speech in blocks of 100 ms at 24 kHz, while it is being made. Requests take turns sentence by sentence.

        Raises: UnknownNameError, EngineError.
        """
        speaker = request.speaker or "0"
        if not (speaker.isdecimal() and int(speaker) < self._options.speakers) or (request.speaker and request.voice != self._name):
            raise UnknownNameError(f"voice {request.voice} has no speaker {speaker!r}")
        return _Speech(self._network, lambda: self._known(request.voice, speaker), speaker, request.text, self._options.longest_s)

    def close(self) -> None:
        """Frees the network."""
        self._network.close()

    def _known(self, voice: str, speaker: str) -> "list[Turn]":
        """What makes this voice the same in every sentence: recordings of it, or a sentence that it made itself.

        Raises: UnknownNameError, EngineError.
        """
        with self._lock:
            if (voice, speaker) not in self._turns:
                if voice == self._name:
                    self._turns[voice, speaker] = self._made(speaker)
                elif folder := _prompted(self._options, self._context).get(voice):
                    self._turns[voice, speaker] = _recorded(folder, speaker, self._network.rate_hz)
                else:
                    raise UnknownNameError(f"CSM has no voice {voice!r}")
            return self._turns[voice, speaker]

    def _made(self, speaker: str) -> "list[Turn]":
        import numpy as np

        from .csm_network import Turn

        seed = self._options.seed * 1000 + int(speaker)
        longest_s = min(self._options.longest_s, _SECONDS_PER_CHARACTER * len(_REFERENCE))
        pieces = list(self._network.speak([Turn(speaker, _REFERENCE)], longest_s, seed))
        return [Turn(speaker, _REFERENCE, np.concatenate(pieces))] if pieces else []


class _Speech(Iterator[AudioBlock]):
    """One request's sentences, one after the other."""

    def __init__(self, network: "CsmNetwork", known: "Callable[[], list[Turn]]", speaker: str, text: str, longest_s: float) -> None:
        self._network, self._known, self._speaker, self._text, self._longest_s = network, known, speaker, text, longest_s
        self._pieces: Pieces | None = None
        self._cancelled = False
        self._blocks = self._speak()

    def __next__(self) -> AudioBlock:
        """The next block.

        Raises: StopIteration, UnknownNameError, EngineError.
        """
        return next(self._blocks)

    def cancel(self) -> None:
        """Makes a `next` that waits end soon. On any thread."""
        self._cancelled = True
        if self._pieces is not None:
            self._pieces.cancel()

    def close(self) -> None:
        """Ends the work."""
        self._blocks.close()

    def _speak(self) -> Generator[AudioBlock, None, None]:
        from .blocks import blocks
        from .csm_network import Turn

        known = self._known()
        for sentence in split(plain(self._text)):
            longest_s = min(self._longest_s, _SHORTEST_LIMIT_S + _SECONDS_PER_CHARACTER * len(sentence))
            for _ in range(_TRIES):
                heard = False
                with contextlib.closing(self._network.speak([*known, Turn(self._speaker, sentence)], longest_s)) as self._pieces:
                    for samples in self._pieces:
                        heard = True
                        yield from blocks(samples, self._network.rate_hz)
                        if self._cancelled:
                            raise EngineError("the request was given up")
                if heard:
                    break


def _model(options: CsmOptions, context: EngineContext) -> tuple[str, Path | None]:
    """The model's name and folder; None when it will be fetched.

    Raises: EngineUnavailableError.
    """
    name = options.model or next(iter(context.store.installed(_ENGINE)), _MODEL)
    try:
        return name, context.store.locate(_ENGINE, name)
    except EngineUnavailableError:
        if name != _MODEL:
            raise
        folder = context.store.folders[0] / _ENGINE / _MODEL
        raise EngineUnavailableError(
            f"needs the model {_MODEL}: accept its terms with an account at {_URL}, then `earshot models get {_ENGINE}/{_MODEL}`"
            f" with your token, or `hf download sesame/csm-1b --local-dir {folder}`"
        ) from None


def _check(folder: Path) -> None:
    """Raises: EngineUnavailableError when this is no CSM as transformers has it."""
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
    except (OSError, ValueError, KeyError, TypeError):
        raise EngineUnavailableError(f"cannot use {folder}: its config.json is missing or broken") from None
    if kind != "csm":
        raise EngineUnavailableError(f"cannot use {folder}: it is a model of the kind {kind!r}, not csm")
    if not any(folder.glob("*.safetensors")):
        raise EngineUnavailableError(f"cannot use {folder}: it has no .safetensors file")


def _device(wanted: str) -> str:
    """Raises: EngineError for one that is not there."""
    import torch

    there = ["cuda"] * torch.cuda.is_available() + ["mps"] * torch.backends.mps.is_available() + ["cpu"]
    device = there[0] if wanted == "auto" else wanted
    if device.partition(":")[0] not in there:
        raise EngineError(f"there is no device {wanted!r} here; torch knows: {', '.join(there)}")
    if device == "cpu":
        _LOGGER.warning("csm runs on the processor, many times slower than speech; it is made for a GPU")
    return device


def _prompted(options: CsmOptions, context: EngineContext) -> dict[str, Path]:
    """Voices of the owner's own: name → folder."""
    root = Path(options.prompts).expanduser() if options.prompts else context.data_dir / "csm-voices"
    return {folder.name: folder for folder in sorted(root.glob("*/")) if folder.is_dir() and any(folder.glob("*.wav"))}


def _recorded(folder: Path, speaker: str, rate_hz: int) -> "list[Turn]":
    """Raises: EngineError that names the file that is missing; InvalidRequestError for one that is no WAV."""
    import numpy as np

    from ..shared.audio import read_wav
    from .csm_network import Turn

    turns, left = [], round(_PROMPT_S * rate_hz)
    for recording in sorted(folder.glob("*.wav")):
        text = recording.with_suffix(".txt")
        if not text.is_file():
            raise EngineError(f"what is said in {recording} must stand in {text}")
        samples = read_wav(recording, rate_hz)
        if turns and len(samples) > left:
            break
        left -= len(samples)
        turns.append(Turn(speaker, " ".join(text.read_text(encoding="utf-8").split()), samples.astype(np.float32) / 32768))
    return turns
