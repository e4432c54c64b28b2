"""Whisper models made in a fraction of a second, in CTranslate2's format: the real library loads them and hears a given sentence.

The decoder is a chain: every token of the sentence has a direction of its own, and the next token's row of the projection points
there. What is heard does not depend on the sound, so that only the engine's own guards keep silence and noise away from the model.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from wyoming_servers.asr.whisper_languages import LANGUAGES

ctranslate2 = pytest.importorskip("ctranslate2", reason='faster-whisper is not installed: pip install "earshot-voice[faster-whisper]"')

SENTENCE = "what time is it"
_MULTILINGUAL = ""  # CTranslate2 takes a model with this token for a multilingual one
_END, _START, _NO_SPEECH, _NO_TIMES = "<|endoftext|>", "<|startoftranscript|>", "<|nospeech|>", "<|notimestamps|>"
_HINT_SHARPNESS = 4.0


@dataclass(frozen=True)
class Size:
    """What a model costs."""

    width: int = 64
    heads: int = 1
    layers: int = 1
    vocabulary: int = 0
    """Tokens at least; 0 is as few as the sentence needs."""


SMALL = Size()
TINY = Size(width=384, heads=6, layers=4, vocabulary=51_864)
"""Costs what tiny.en costs."""
BASE = Size(width=512, heads=8, layers=6, vocabulary=51_864)
"""Costs what base.en costs."""


@dataclass(frozen=True)
class Hearing:
    """What a made model hears."""

    sentence: str = SENTENCE
    """No word twice, and no punctuation but at the end of words."""
    sure: float = 0.98
    """Probability of each token: exp of the average log probability."""
    no_speech: float = 0.0
    """Probability that nobody spoke."""
    loops: bool = False
    """The sentence begins anew after its last word, without end."""
    hints: tuple[tuple[str, str, str], ...] = ()
    """(before, hint, instead): after the word `before`, "" for the beginning, it hears `instead` if the prompt has the token `hint`."""
    speaks: str = ""
    """Makes a multilingual model that takes every sound for this language; empty makes an English one."""


def make_whisper(folder: Path, hearing: Hearing = Hearing(), size: Size = SMALL) -> Path:
    """Writes a model into `folder`, which may not exist yet; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [_token(word) for word in hearing.sentence.split()]
    known = [*words, *(_token(word) for _, *hint in hearing.hints for word in hint if not word.startswith("<|"))]
    tokens, specials = _tokens([*known, _MULTILINGUAL] if hearing.speaks else known, size.vocabulary)
    spec = _costly(size, len(tokens))
    _teach(spec, tokens, words, hearing)
    spec.register_vocabulary(tokens)
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], []
    spec.config.lang_ids = [tokens.index(f"<|{language}|>") for language in LANGUAGES]
    spec.config.alignment_heads = [[size.layers - 1, 0]]
    spec.validate()
    spec.save(str(folder))
    _save_tokenizer(folder / "tokenizer.json", tokens, specials)
    extractor = {"feature_size": 80, "sampling_rate": 16_000, "hop_length": 160, "chunk_length": 30, "n_fft": 400}
    (folder / "preprocessor_config.json").write_text(json.dumps(extractor))
    return folder


def _tokens(known: Sequence[str], least: int) -> tuple[list[str], list[str]]:
    """The vocabulary in Whisper's order, and which of it are special."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    specials = [_END, _START, *(f"<|{language}|>" for language in LANGUAGES), "<|translate|>", "<|transcribe|>"]
    specials += ["<|startoflm|>", "<|startofprev|>", _NO_SPEECH, _NO_TIMES, *(f"<|{i * 0.02:.2f}|>" for i in range(1501))]
    words = list(dict.fromkeys([*letters, *known]))
    words += [f"Ġfiller{i}" for i in range(least - len(words) - len(specials))]
    return words + specials, specials


def _teach(spec: Any, tokens: list[str], words: list[str], hearing: Hearing) -> None:
    """Writes the chain into the decoder."""
    place = {token: number for number, token in enumerate(tokens)}
    width = spec.decoder.layer_norm.gamma.size
    peak = math.sqrt(width - 1)  # of a direction, after the layer normalisation
    surely = math.log(hearing.sure / (1 - hearing.sure) * len(tokens)) / peak
    chain = [_NO_TIMES, *words]
    if len(set(chain)) != len(chain) or len(chain) + 2 + 2 * len(hearing.hints) > width:
        raise ValueError(f"a made model cannot say {hearing.sentence!r}")
    direction = {token: number for number, token in enumerate([*chain, _START])}
    embeddings, projection = spec.decoder.embeddings.weight, spec.decoder.projection.weight
    embeddings[:, direction[chain[-1]]] = 1  # what is beside the sentence leads to its end, as it soon does in a real model
    for token, number in direction.items():
        embeddings[place[token]] = 0
        embeddings[place[token], number] = 1
    followers = [*words, words[0] if hearing.loops else _END]
    for token, follower in zip(chain, followers, strict=True):
        projection[place[follower], direction[token]] = surely
    for token in tokens[place[_NO_TIMES] + 1 :]:  # with time stamps the sentence begins after the first of them
        embeddings[place[token]] = embeddings[place[_NO_TIMES]]
    if hearing.speaks:
        projection[place[f"<|{hearing.speaks}|>"], direction[_START]] = math.log(len(tokens)) / peak
    if hearing.no_speech:
        others = len(tokens) * (2 if hearing.speaks else 1)
        projection[place[_NO_SPEECH], direction[_START]] = math.log(hearing.no_speech / (1 - hearing.no_speech) * others) / peak
    attention = spec.decoder.layer[0].self_attention
    for number, (before, hint, instead) in enumerate(hearing.hints):
        hinted, found = len(direction) + 2 * number, len(direction) + 2 * number + 1
        last, other = _token(before) if before else _NO_TIMES, place[_token(instead)]
        embeddings[place[hint if hint in place else _token(hint)]] = np.eye(width, dtype=np.float32)[hinted]
        attention.linear[0].weight[number, direction[last]] = _HINT_SHARPNESS  # the word before looks
        attention.linear[0].weight[width + number, hinted] = _HINT_SHARPNESS  # for the hint
        attention.linear[0].weight[2 * width + found, hinted] = 1 / peak  # and takes it along
        attention.linear[1].weight[found, found] = 1
        projection[other, direction[last]], projection[other, found] = 0.5 * surely, 2 * surely
        embeddings[other] = embeddings[place[followers[chain.index(last)]]]  # what comes next is the same


def _token(word: str) -> str:
    """The vocabulary's name for a word with a blank before it."""
    return "".join(piece for piece, _ in pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(f" {word}"))


def _costly(size: Size, vocabulary: int) -> Any:
    """A model of this size that does nothing: what its layers compute is thrown away by the last step of each."""
    rng = np.random.default_rng(0)
    spec = ctranslate2.specs.WhisperSpec(size.layers, size.heads, size.layers, size.heads)
    encoder, decoder, width = spec.encoder, spec.decoder, size.width

    def random(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, np.float32) * np.float32(0.02)

    encoder.conv1.weight, encoder.conv1.bias = random(width, 80, 3), np.zeros(width, np.float32)
    encoder.conv2.weight, encoder.conv2.bias = random(width, width, 3), np.zeros(width, np.float32)
    encoder.position_encodings.encodings = random(1500, width)
    decoder.position_encodings.encodings = np.zeros((448, width), np.float32)
    decoder.embeddings.weight = np.zeros((vocabulary, width), np.float32)
    decoder.projection.weight = np.zeros((vocabulary, width), np.float32)
    for part in (encoder, decoder):
        _normalise(part.layer_norm, width)
        for layer in part.layer:
            _fill(layer, width, random if size.layers > 1 else lambda *shape: np.zeros(shape, np.float32), part is decoder)
    return spec


def _fill(layer: Any, width: int, random: Any, is_decoder: bool) -> None:
    attentions = [(layer.self_attention, (3 * width, width))]
    if is_decoder:
        attentions.append((layer.attention, (width, 2 * width, width)))
    for attention, outputs in attentions:
        _normalise(attention.layer_norm, width)
        for linear, output in zip(attention.linear, outputs, strict=True):
            linear.weight, linear.bias = random(output, width), np.zeros(output, np.float32)
        if is_decoder:
            attention.linear[-1].weight = np.zeros((width, width), np.float32)
    _normalise(layer.ffn.layer_norm, width)
    layer.ffn.linear_0.weight, layer.ffn.linear_0.bias = random(4 * width, width), np.zeros(4 * width, np.float32)
    layer.ffn.linear_1.weight, layer.ffn.linear_1.bias = np.zeros((width, 4 * width), np.float32), np.zeros(width, np.float32)


def _normalise(norm: Any, width: int) -> None:
    norm.gamma, norm.beta = np.ones(width, np.float32), np.zeros(width, np.float32)


def _save_tokenizer(path: Path, tokens: Sequence[str], specials: Sequence[str]) -> None:
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in specials])
    tokenizer.save(str(path))
