"""The kinds of models that sherpa-onnx runs, and which of them lies in a folder."""

import functools
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..shared.errors import EngineUnavailableError
from ..shared.onnx_model import damage
from .onnx_header import OnnxHeader, read_header

_ROLES = {
    "preprocess": r"preprocess",
    "uncached": r"uncached_decode",
    "cached": r"cached_decode",
    "encode": r"encode",
    "merged": r"(.*[-_.])?decoder_model_merged",
    "encoder": r"(.*[-_.])?encoder([-_.].*)?",
    "decoder": r"(.*[-_.])?decoder([-_.].*)?",
    "joiner": r"(.*[-_.])?joiner([-_.].*)?",
    "model": r".*",
}
"""What a file is for, by its name without `.int8` and the like; the first that matches."""
_PRECISION = re.compile(r"[-_.](int8|fp16|fp32|quantized|quant|uint8)$")
_SMALL = ("int8", "uint8", "quant", "quantized")
_ORT_MAGIC = b"ORTM"  # onnxruntime's own format, at byte 4


@dataclass(frozen=True)
class Family:
    """One kind of models."""

    name: str
    """What the owner writes as `family`."""
    about: str
    """The models people know, and their files."""
    factory: str
    """Class and method of sherpa_onnx that make a recogniser of it."""
    files: Mapping[str, str]
    """Role → keyword of the factory."""
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further keywords of the factory."""
    biased: bool = False
    """True when it can prefer given words."""
    longest_s: float = 300.0
    """How much it is given at once; longer speech is cut at its pauses."""

    @property
    def streaming(self) -> bool:
        """True when it has hypotheses while the user speaks."""
        return self.factory.startswith("Online")


_TRANSDUCER = {"encoder": "encoder", "decoder": "decoder", "joiner": "joiner"}
_PARTS = "encoder*.onnx, decoder*.onnx, joiner*.onnx"
_MODEL = {"model": "model"}
FAMILIES = (
    Family(
        "zipformer-streaming",
        f"streaming Zipformer, Conformer, LSTM: {_PARTS}",
        "OnlineRecognizer.from_transducer",
        _TRANSDUCER,
        biased=True,
    ),
    Family("nemo-streaming", f"Nemotron, streaming FastConformer: {_PARTS}", "OnlineRecognizer.from_transducer", _TRANSDUCER, biased=True),
    Family(
        "zipformer",
        f"Zipformer, Conformer: {_PARTS}",
        "OfflineRecognizer.from_transducer",
        _TRANSDUCER,
        {"model_type": "transducer"},
        biased=True,
    ),
    Family(
        "nemo",
        f"Parakeet TDT and other transducers of NeMo: {_PARTS}",
        "OfflineRecognizer.from_transducer",
        _TRANSDUCER,
        {"model_type": "nemo_transducer"},
        biased=True,
    ),
    Family(
        "moonshine",
        "Moonshine: preprocess.onnx, encode*.onnx, uncached_decode*.onnx, cached_decode*.onnx",
        "OfflineRecognizer.from_moonshine",
        {"preprocess": "preprocessor", "encode": "encoder", "uncached": "uncached_decoder", "cached": "cached_decoder"},
        longest_s=28.0,
    ),
    Family(
        "moonshine-v2",
        "Moonshine of 2026: encoder_model.ort, decoder_model_merged.ort",
        "OfflineRecognizer.from_moonshine_v2",
        {"encoder": "encoder", "merged": "decoder"},
        longest_s=28.0,
    ),
    Family(
        "whisper",
        "Whisper: *-encoder*.onnx, *-decoder*.onnx",
        "OfflineRecognizer.from_whisper",
        {"encoder": "encoder", "decoder": "decoder"},
        longest_s=28.0,
    ),
    Family("sense-voice", "SenseVoice: model*.onnx", "OfflineRecognizer.from_sense_voice", _MODEL, {"use_itn": True}, longest_s=28.0),
    Family("paraformer", "Paraformer: model*.onnx", "OfflineRecognizer.from_paraformer", {"model": "paraformer"}),
    Family("nemo-ctc", "Parakeet CTC and others of NeMo: model*.onnx", "OfflineRecognizer.from_nemo_ctc", _MODEL),
    Family("zipformer-ctc", "Zipformer CTC: model*.onnx", "OfflineRecognizer.from_zipformer_ctc", _MODEL),
)
_MODEL_TYPES = {
    "sense_voice_ctc": "sense-voice",
    "paraformer": "paraformer",
    "EncDecCTCModelBPE": "nemo-ctc",
    "EncDecCTCModel": "nemo-ctc",
    "EncDecHybridRNNTCTCBPEModel": "nemo-ctc",
    "zipformer2_ctc": "zipformer-ctc",
}
"""`model_type` of a model that is one file."""


@dataclass(frozen=True)
class SherpaFiles:
    """A model's folder, understood."""

    folder: Path
    family: Family
    files: Mapping[str, Path]
    """Keyword of the factory → file, `tokens` among them."""
    header: OnnxHeader
    """What its first network says of itself."""


def recognise(folder: Path, family: str = "auto", *, small: bool = True) -> SherpaFiles:
    """What lies in the folder. Reads a few thousand bytes of each file, the first time and when one has changed.

    family: a name of FAMILIES, or `auto`. small: of several precisions take 8-bit integers, which are quicker on a CPU.
    Raises: EngineUnavailableError that says what is missing or damaged.
    """
    try:
        state = tuple(sorted((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in os.scandir(folder)))
    except OSError as err:
        raise EngineUnavailableError(f"cannot use the model in {folder}: {err.strerror}") from err
    return _recognise(folder, family, small, state)


@functools.lru_cache(maxsize=64)  # models are listed every few seconds, and a large one takes a tenth of a second on a Raspberry Pi
def _recognise(folder: Path, family: str, small: bool, _state: tuple) -> SherpaFiles:
    networks = _by_role(folder, small)
    tokens = sorted(folder.glob("*tokens.txt"), key=lambda path: (path.name != "tokens.txt", path.name))
    try:
        kind = _find(family) if family != "auto" else _guess(networks)
        missing = [role for role in kind.files if role not in networks] if kind else []
        if kind is None or missing or not tokens:
            raise EngineUnavailableError(_expected(folder, kind))
        files = {keyword: networks[role] for role, keyword in kind.files.items()}
        for path in files.values():
            _check(path)
        _check_tokens(tokens[0])
        return SherpaFiles(folder, kind, {**files, "tokens": tokens[0]}, _header(next(iter(files.values()))))
    except (ValueError, OSError) as err:
        raise EngineUnavailableError(f"cannot use the model in {folder}: {err}") from err


def _guess(networks: Mapping[str, Path]) -> Family | None:
    """The kind that fits these files; None when none does."""
    have = networks.keys()
    if {"encoder", "decoder", "joiner"} <= have:
        return _find(_transducer(networks))
    for name in ("moonshine", "moonshine-v2"):
        if _find(name).files.keys() <= have:
            return _find(name)
    if {"encoder", "decoder"} <= have:
        return _find("whisper") if _header(networks["encoder"]).get("model_type").startswith("whisper") else None
    if "model" in have:
        header = _header(networks["model"])
        streaming = len(header.inputs) > 2 and any("cache" in name for name in header.inputs)
        name = _MODEL_TYPES.get(header.get("model_type"), "")
        return _find(name) if name and not streaming else None
    return None


def _transducer(networks: Mapping[str, Path]) -> str:
    """A streaming encoder carries its state in further inputs; NeMo's prediction network gives its state out."""
    encoder, decoder = _header(networks["encoder"]), _header(networks["decoder"])
    streaming = len(encoder.inputs) > 2 or bool(encoder.get("streaming_model_type"))
    return ("nemo" if len(decoder.outputs) > 1 else "zipformer") + ("-streaming" if streaming else "")


def _by_role(folder: Path, small: bool) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted((*folder.glob("*.onnx"), *folder.glob("*.ort")), key=lambda path: _rank(path, small)):
        stem = _PRECISION.sub("", path.stem)
        role = next(role for role, pattern in _ROLES.items() if re.fullmatch(pattern, stem))
        found.setdefault(role, path)
    return found


def _rank(path: Path, small: bool) -> tuple:
    match = _PRECISION.search(path.stem)
    precision = match[1] if match else ""
    wanted = (precision in _SMALL) == small
    return not wanted, precision == "fp16", not path.stem.startswith("model"), path.name


def _header(path: Path) -> OnnxHeader:
    """Raises: ValueError, OSError."""
    if path.suffix == ".ort":
        return OnnxHeader()
    _check(path)
    try:
        return read_header(path)
    except ValueError as err:
        raise ValueError(f"{path.name}: {err}") from None


def _check(path: Path) -> None:
    """sherpa-onnx ends the whole process over some files that are not what they should be.

    Raises: ValueError that names the file.
    """
    if path.suffix == ".ort":
        with path.open("rb") as file:
            if file.read(8)[4:] != _ORT_MAGIC:
                raise ValueError(f"{path.name} is not a model in onnxruntime's format")
    elif problem := damage(path):
        raise ValueError(f"{path.name}: {problem}")


def _check_tokens(path: Path) -> None:
    """Raises: ValueError, OSError."""
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        parts = line.rsplit(maxsplit=1)
        if parts and not parts[-1].isdigit():
            raise ValueError(f"{path.name}, line {number}: a token and its number belong there")


def _find(name: str) -> Family:
    return next(family for family in FAMILIES if family.name == name)


def _expected(folder: Path, kind: Family | None) -> str:
    have = ", ".join(sorted(path.name for path in folder.iterdir() if path.is_file())) or "nothing"
    known = "; ".join(family.about for family in ((kind,) if kind else FAMILIES))
    return f"finds no model it knows in {folder} (there: {have}). It takes tokens.txt with the files of one of: {known}"
