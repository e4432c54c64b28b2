"""Small ONNX models with the inputs, outputs and metadata of the real ones, which sherpa-onnx loads and which hear one sentence.

Names and metadata are those that icefall's `export-onnx-streaming.py` and sherpa-onnx's own export scripts write. Inside is only
what it takes to say the sentence: a table from each token to the next, and for streaming models the loudness of every chunk, so
that a word comes for each chunk that is not silent and loud noise would be taken for speech.
"""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SENTENCE = "what time is it"
CHUNK_FRAMES = 16
"""Frames of 10 ms that the streaming models take in one step: one word each."""
_FLOAT, _INT32, _INT64, _BOOL = TensorProto.FLOAT, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL
_LOUD = 20.0
_BLANK = 10.0
_QUIET_LOG_MEL = -13.0  # digital silence is -15.9 and nothing that can be heard is below this, averaged over all bands
_PAD_FRAMES = 13  # what zipformer sees beyond its chunk
_MELS = 80

Port = tuple[str, int, Sequence[str | int | None]]


def make(family: str, folder: Path, sentence: str = SENTENCE, **more) -> Path:
    """A model folder of this family (a function of this module) that hears the sentence."""
    folder.mkdir(parents=True, exist_ok=True)
    {
        "zipformer-streaming": streaming_zipformer,
        "nemo-streaming": streaming_nemo,
        "zipformer": zipformer,
        "nemo": parakeet,
        "nemo-ctc": nemo_ctc,
        "moonshine": moonshine,
        "moonshine-v2": moonshine_v2,
        "sense-voice": sense_voice,
    }[family](folder, sentence, **more)
    return folder


def streaming_zipformer(folder: Path, sentence: str = SENTENCE, *, suffix: str = "", upper: bool = True) -> None:
    """A streaming zipformer2 transducer as icefall exports it; upper: its vocabulary is in capitals, as that of LibriSpeech is."""
    tokens = ["<blk>", "<sos/eos>", "<unk>", *_pieces(sentence.upper() if upper else sentence)]
    width = len(tokens)
    caches = [
        ("cached_key_0", _FLOAT, (4, "N", 4)),
        ("cached_nonlin_attn_0", _FLOAT, (1, "N", 4, 3)),
        ("cached_val1_0", _FLOAT, (4, "N", 4)),
        ("cached_val2_0", _FLOAT, (4, "N", 4)),
        ("cached_conv1_0", _FLOAT, ("N", 4, 1)),
        ("cached_conv2_0", _FLOAT, ("N", 4, 1)),
        ("embed_states", _FLOAT, ("N", 128, 3, 19)),
        ("processed_lens", _INT64, ("N",)),
    ]
    _save(
        folder / f"encoder-epoch-99-avg-1{suffix}.onnx",
        [*_loud("x", (1, 2)), _node("Mul", ["loud", "first"], ["encoder_out"]), *_carry(caches)],
        [("x", _FLOAT, ("N", CHUNK_FRAMES + _PAD_FRAMES, _MELS)), *caches],
        [("encoder_out", _FLOAT, ("N", CHUNK_FRAMES // 2, width)), *_next(caches)],
        {"quiet": np.float32(_QUIET_LOG_MEL), "first": _first(CHUNK_FRAMES // 2, width)},
        {
            "model_type": "zipformer2",
            "version": "1",
            "model_author": "k2-fsa",
            "decode_chunk_len": CHUNK_FRAMES,
            "T": CHUNK_FRAMES + _PAD_FRAMES,
            "num_encoder_layers": 1,
            "encoder_dims": 4,
            "cnn_module_kernels": 3,
            "left_context_len": 4,
            "query_head_dims": 4,
            "value_head_dims": 4,
            "num_heads": 1,
        },
    )
    _stateless(folder, tokens, suffix)
    _write_tokens(folder, tokens)


def zipformer(folder: Path, sentence: str = SENTENCE) -> None:
    """An offline zipformer transducer as icefall exports it."""
    tokens = ["<blk>", "<sos/eos>", "<unk>", *_pieces(sentence.upper())]
    width = len(tokens)
    _save(
        folder / "encoder-epoch-99-avg-1.onnx",
        [*_frames("x", 1, 4, width), _node("Div", ["x_lens", "four"], ["encoder_out_lens"])],
        [("x", _FLOAT, ("N", "T", _MELS)), ("x_lens", _INT64, ("N",))],
        [("encoder_out", _FLOAT, ("N", "T2", width)), ("encoder_out_lens", _INT64, ("N",))],
        {"four": np.int64(4), **_frame_values(4, width)},
        {"model_type": "zipformer2", "version": "1", "model_author": "k2-fsa", "comment": "non-streaming zipformer2"},
    )
    _stateless(folder, tokens, "")
    _write_tokens(folder, tokens)


def streaming_nemo(folder: Path, sentence: str = SENTENCE, *, prompts: str = "") -> None:
    """A streaming NeMo transducer with a cache-aware encoder, Nemotron's kind; prompts: `prompt_dictionary` of the multilingual one."""
    tokens = [*_pieces(sentence), "<blk>"]
    caches = [
        ("cache_last_channel", _FLOAT, ("N", 1, 4, 4)),
        ("cache_last_time", _FLOAT, ("N", 1, 4, 4)),
        ("cache_last_channel_len", _INT64, ("N",)),
    ]
    following = ["cache_last_channel_next", "cache_last_time_next", "cache_last_channel_next_len"]
    prompt: list[Port] = [("prompt_index", _INT64, ("N",))] if prompts else []
    shift = CHUNK_FRAMES // 8
    _save(
        folder / "encoder.int8.onnx",
        [
            *_loud("audio_signal", (1, 2)),
            _node("Mul", ["loud", "first"], ["by_time"]),
            _node("Transpose", ["by_time"], ["outputs"], perm=[0, 2, 1]),
            _node("Div", ["length", "eight"], ["encoded_lengths"]),
            *(_node("Identity", [cache[0]], [name]) for cache, name in zip(caches, following, strict=True)),
        ],
        [("audio_signal", _FLOAT, ("N", _MELS, "T")), ("length", _INT64, ("N",)), *caches, *prompt],
        [
            ("outputs", _FLOAT, ("N", len(tokens), shift)),
            ("encoded_lengths", _INT64, ("N",)),
            *((name, cache[1], cache[2]) for cache, name in zip(caches, following, strict=True)),
        ],
        {"quiet": np.float32(_QUIET_LOG_MEL), "first": _first(shift, len(tokens)), "eight": np.int64(8)},
        {
            "vocab_size": len(tokens) - 1,
            "window_size": CHUNK_FRAMES + 9,
            "chunk_size_ms": CHUNK_FRAMES * 10,
            "chunk_shift": CHUNK_FRAMES,
            "normalize_type": "",
            **{f"cache_last_channel_dim{number}": size for number, size in ((1, 1), (2, 4), (3, 4))},
            **{f"cache_last_time_dim{number}": size for number, size in ((1, 1), (2, 4), (3, 4))},
            "pred_rnn_layers": 1,
            "pred_hidden": 4,
            "subsampling_factor": 8,
            "feat_dim": _MELS,
            "model_type": "EncDecHybridRNNTCTCBPEModel",
            "model_author": "NeMo",
            **({"prompt_dictionary": prompts, "auto_prompt_id": 101} if prompts else {}),
        },
    )
    _predictor(folder, tokens, durations=0)
    _write_tokens(folder, tokens)


def parakeet(folder: Path, sentence: str = SENTENCE, *, url: str = "https://huggingface.co/nvidia/parakeet-tdt-0.6b-v2") -> None:
    """Parakeet TDT: an offline NeMo transducer that says of every token how long it is."""
    tokens = [*_pieces(sentence), "<blk>"]
    _save(
        folder / "encoder.int8.onnx",
        [
            *_frames("audio_signal", 2, 8, len(tokens), out="by_time"),
            _node("Transpose", ["by_time"], ["outputs"], perm=[0, 2, 1]),
            _node("Div", ["length", "eight"], ["encoded_lengths"]),
        ],
        [("audio_signal", _FLOAT, ("N", 128, "T")), ("length", _INT64, ("N",))],
        [("outputs", _FLOAT, ("N", len(tokens), "T2")), ("encoded_lengths", _INT64, ("N",))],
        {"eight": np.int64(8), **_frame_values(8, len(tokens))},
        {
            "vocab_size": len(tokens) - 1,
            "normalize_type": "per_feature",
            "pred_rnn_layers": 1,
            "pred_hidden": 4,
            "subsampling_factor": 8,
            "model_type": "EncDecRNNTBPEModel",
            "version": "2",
            "model_author": "NeMo",
            "url": url,
            "comment": "Only the transducer branch is exported",
            "feat_dim": 128,
        },
    )
    _predictor(folder, tokens, durations=5)
    _write_tokens(folder, tokens)


def nemo_ctc(folder: Path, sentence: str = SENTENCE) -> None:
    """An offline NeMo CTC model."""
    tokens = [*_pieces(sentence), "<blk>"]
    _save(
        folder / "model.onnx",
        [*_ctc("audio_signal", 2, 8)],
        [("audio_signal", _FLOAT, ("N", _MELS, "T")), ("length", _INT64, ("N",))],
        [("logprobs", _FLOAT, ("N", "T2", len(tokens)))],
        _ctc_values(8, list(range(len(tokens) - 1)), len(tokens), len(tokens) - 1),
        {
            "vocab_size": len(tokens) - 1,
            "normalize_type": "per_feature",
            "subsampling_factor": 8,
            "model_type": "EncDecCTCModelBPE",
            "version": "1",
            "model_author": "NeMo",
        },
    )
    _write_tokens(folder, tokens)


def sense_voice(folder: Path, sentence: str = SENTENCE) -> None:
    """SenseVoice: a CTC model that says language, emotion, kind of sound and notation before the words."""
    tags = ["<|en|>", "<|NEUTRAL|>", "<|Speech|>", "<|woitn|>"]
    tokens = ["<unk>", "<s>", "</s>", *tags, *_pieces(sentence)]
    _save(
        folder / "model.int8.onnx",
        [*_ctc("x", 1, 1)],
        [("x", _FLOAT, ("N", "T", 560)), *((name, _INT32, ("N",)) for name in ("x_length", "language", "text_norm"))],
        [("logits", _FLOAT, ("N", "T2", len(tokens)))],
        _ctc_values(1, list(range(3, len(tokens))), len(tokens), 0),
        {
            "lfr_window_size": 7,
            "lfr_window_shift": 6,
            "normalize_samples": 0,
            "neg_mean": ",".join(["0"] * 560),
            "inv_stddev": ",".join(["1"] * 560),
            "model_type": "sense_voice_ctc",
            "vocab_size": len(tokens),
            **{f"lang_{name}": number for name, number in (("auto", 0), ("zh", 3), ("en", 4), ("yue", 7), ("ja", 11), ("ko", 12))},
            "with_itn": 14,
            "without_itn": 15,
        },
    )
    _write_tokens(folder, tokens)


def moonshine(folder: Path, sentence: str = SENTENCE) -> None:
    """Moonshine as its first version was exported: four graphs."""
    tokens = ["<unk>", "<s>", "</s>", *_pieces(sentence)]
    state: Port = ("args_3", _FLOAT, (1, 1, 1, 1))
    decode: list[Port] = [("args_0", _INT32, (1, 1)), ("args_1", _FLOAT, (1, "T", 1)), ("args_2", _INT32, (1,))]
    logits: Port = ("reversible_embedding", _FLOAT, (1, 1, len(tokens)))
    _save(
        folder / "preprocess.onnx", _pooled("args_0", "sequential"), [("args_0", _FLOAT, (1, "S"))], [("sequential", _FLOAT, (1, "T", 1))]
    )
    _save(
        folder / "encode.int8.onnx",
        [_node("Identity", ["args_0"], ["layer_normalization_12"])],
        [("args_0", _FLOAT, (1, "T", 1)), ("args_1", _INT32, (1,))],
        [("layer_normalization_12", _FLOAT, (1, "T", 1))],
    )
    said = [_node("Gather", ["following", "args_0"], ["reversible_embedding"])]
    _save(
        folder / "uncached_decode.int8.onnx",
        [*said, _node("Identity", ["cache"], ["functional_22"])],
        decode,
        [logits, ("functional_22", _FLOAT, state[2])],
        {"following": _following(tokens, first=1, end=2), "cache": np.zeros((1, 1, 1, 1), np.float32)},
    )
    _save(
        folder / "cached_decode.int8.onnx",
        [*said, _node("Identity", ["args_3"], ["functional_22"])],
        [*decode, state],
        [logits, ("functional_22", _FLOAT, state[2])],
        {"following": _following(tokens, first=1, end=2)},
    )
    _write_tokens(folder, tokens)


def moonshine_v2(folder: Path, sentence: str = SENTENCE) -> None:
    """Moonshine as its second version was exported: an encoder and one decoder for all steps; tokens in base64."""
    tokens = ["<unk>", "<s>", "</s>", *_pieces(sentence)]
    states = [f"0.{part}.{kind}" for part in ("decoder", "encoder") for kind in ("key", "value")]
    _save(
        folder / "encoder_model.onnx",
        _pooled("input_values", "last_hidden_state"),
        [("input_values", _FLOAT, (1, "S"))],
        [("last_hidden_state", _FLOAT, (1, "T", 1))],
    )
    _save(
        folder / "decoder_model_merged.onnx",
        [
            _node("Gather", ["following", "input_ids"], ["logits"]),
            *(_node("Identity", ["cache"], [f"present.{state}"]) for state in states),
        ],
        [
            ("input_ids", _INT64, (1, 1)),
            ("encoder_hidden_states", _FLOAT, (1, "T", 1)),
            *((f"past_key_values.{state}", _FLOAT, (1, 1, "P", 1)) for state in states),
            ("use_cache_branch", _BOOL, (1,)),
        ],
        [("logits", _FLOAT, (1, 1, len(tokens))), *((f"present.{state}", _FLOAT, (1, 1, 2, 1)) for state in states)],
        {"following": _following(tokens, first=1, end=2), "cache": np.zeros((1, 1, 2, 1), np.float32)},
    )
    _write_tokens(folder, [base64.b64encode(token.replace("▁", " ").encode()).decode() for token in tokens])


def _pieces(sentence: str) -> list[str]:
    """A token for each word, as SentencePiece writes them. A word that comes twice would lead back to its first place."""
    pieces = [f"▁{word}" for word in sentence.split()]
    assert len(set(pieces)) == len(pieces)
    return pieces


def _stateless(folder: Path, tokens: list[str], suffix: str) -> None:
    """icefall's decoder, which sees the last two tokens and keeps nothing, and its joiner. The blank is the first token."""
    width = len(tokens)
    following = _following(tokens, first=0, end=0)
    _save(
        folder / f"decoder-epoch-99-avg-1{suffix}.onnx",
        [_node("Gather", ["y", "last"], ["token"], axis=1), _node("Gather", ["following", "token"], ["decoder_out"])],
        [("y", _INT64, ("N", 2))],
        [("decoder_out", _FLOAT, ("N", width))],
        {"last": np.int64(1), "following": following},
        {"context_size": 2, "vocab_size": width},
    )
    _save(
        folder / f"joiner-epoch-99-avg-1{suffix}.onnx",
        [_node("Mul", ["encoder_out", "decoder_out"], ["wanted"]), _node("Add", ["wanted", "blank"], ["logit"])],
        [("encoder_out", _FLOAT, ("N", width)), ("decoder_out", _FLOAT, ("N", width))],
        [("logit", _FLOAT, ("N", width))],
        {"blank": _BLANK * np.eye(1, width, dtype=np.float32)},
        {"joiner_dim": width},
    )


def _predictor(folder: Path, tokens: list[str], *, durations: int) -> None:
    """NeMo's prediction network with its two states, and its joiner. The blank is the last token."""
    width = len(tokens)
    states: list[Port] = [("states.1", _FLOAT, (1, "N", 4)), ("onnx::Slice_3", _FLOAT, (1, "N", 4))]
    _save(
        folder / "decoder.int8.onnx",
        [
            _node("Gather", ["following", "targets"], ["by_time"]),
            _node("Transpose", ["by_time"], ["outputs"], perm=[0, 2, 1]),
            *(_node("Identity", [name], [out]) for name, out in (("target_length", "prednet_lengths"), ("states.1", "states"))),
            _node("Identity", ["onnx::Slice_3"], ["162"]),
        ],
        [("targets", _INT32, ("N", "U")), ("target_length", _INT32, ("N",)), *states],
        [
            ("outputs", _FLOAT, ("N", width, "U")),
            ("prednet_lengths", _INT32, ("N",)),
            *((name, _FLOAT, (1, "N", 4)) for name in ("states", "162")),
        ],
        {"following": _following(tokens, first=width - 1, end=width - 1)},
    )
    added = np.zeros((1, 1, 1, width + durations), np.float32)
    added[..., width - 1] = _BLANK
    if durations:
        added[..., width + 1] = 1.0  # every token takes one frame
    pads = np.array([0, 0, 0, 0, 0, durations], np.int64)
    _save(
        folder / "joiner.int8.onnx",
        [
            _node("Mul", ["encoder_outputs", "decoder_outputs"], ["wanted"]),
            _node("Transpose", ["wanted"], ["by_time"], perm=[0, 2, 1]),
            _node("Pad", ["by_time", "pads"], ["padded"]),
            _node("Unsqueeze", ["padded", "axes"], ["spread"]),
            _node("Add", ["spread", "added"], ["outputs"]),
        ],
        [("encoder_outputs", _FLOAT, ("N", width, "T")), ("decoder_outputs", _FLOAT, ("N", width, "U"))],
        [("outputs", _FLOAT, ("N", "T", "U", width + durations))],
        {"pads": pads, "axes": np.array([1], np.int64), "added": added},
    )


def _following(tokens: Sequence[str], *, first: int, end: int) -> np.ndarray:
    """(tokens, tokens): for each token a row that is large at the one that comes next. first: before the sentence; end: after it."""
    words = [number for number, token in enumerate(tokens) if token.startswith("▁")]
    table = np.zeros((len(tokens), len(tokens)), np.float32)
    for token, following in zip([first, *words], [*words, end], strict=True):
        table[token, following] = _LOUD
    return table


def _first(frames: int, width: int) -> np.ndarray:
    """(1, frames, width) that lets the first frame of a chunk speak."""
    values = np.zeros((1, frames, width), np.float32)
    values[:, 0] = 1.0
    return values


def _loud(features: str, axes: Sequence[int]) -> list:
    """`loud`, (N, 1, 1): 1 when a chunk is not silent."""
    return [
        _node("ReduceMean", [features], ["level"], axes=list(axes), keepdims=1),
        _node("Greater", ["level", "quiet"], ["is_loud"]),
        _node("Cast", ["is_loud"], ["loud"], to=_FLOAT),
    ]


def _frames(features: str, axis: int, step: int, width: int, out: str = "encoder_out") -> list:
    """(N, frames, width) of ones, one frame for every `step` of the features."""
    return [
        _node("Shape", [features], ["shape"]),
        _node("Gather", ["shape", f"at_{axis}"], ["length_in"]),
        _node("Div", ["length_in", "step"], ["length_out"]),
        _node("Concat", ["one", "length_out", "width"], ["size"], axis=0),
        _node("ConstantOfShape", ["size"], [out], value=helper.make_tensor("ones", _FLOAT, [1], [1.0])),
    ]


def _frame_values(step: int, width: int) -> dict[str, np.ndarray]:
    numbers = {"at_1": 1, "at_2": 2, "step": step, "one": 1, "width": width}
    return {name: np.array([number], np.int64) for name, number in numbers.items()}


def _ctc(features: str, axis: int, step: int) -> list:
    """Log probabilities: the words one after the other, blanks after them."""
    last = {2: "logprobs", 1: "logits"}[axis]
    return [
        *_frames(features, axis, step, 0, out="ones_out"),
        _node("Slice", ["said", "zero", "length_out", "one"], ["cut"]),
        _node("Unsqueeze", ["cut", "zero"], [last]),
    ]


def _ctc_values(step: int, said: Sequence[int], width: int, blank: int) -> dict[str, np.ndarray]:
    table = np.full((3000, width), -_LOUD, np.float32)
    table[:, blank] = 0.0
    for frame, token in enumerate(said):
        table[frame] = -_LOUD
        table[frame, token] = 0.0
    return {**_frame_values(step, 1), "said": table, "zero": np.array([0], np.int64)}


def _pooled(audio: str, out: str) -> list:
    """(1, S) samples to (1, S / 384, 1): Moonshine's frames are 24 ms."""
    shape = numpy_helper.from_array(np.array([1, 1, -1], np.int64))
    return [
        helper.make_node("Constant", [], ["flat"], value=shape),
        _node("Reshape", [audio, "flat"], ["channel"]),
        _node("MaxPool", ["channel"], ["pooled"], kernel_shape=[384], strides=[384], pads=[0, 383]),
        _node("Transpose", ["pooled"], [out], perm=[0, 2, 1]),
    ]


def _carry(caches: Sequence[Port]) -> list:
    return [_node("Identity", [name], [f"new_{name}"]) for name, *_ in caches]


def _next(caches: Sequence[Port]) -> list[Port]:
    return [(f"new_{name}", kind, shape) for name, kind, shape in caches]


def _node(operator: str, inputs: list[str], outputs: list[str], **attributes) -> onnx.NodeProto:
    return helper.make_node(operator, inputs, outputs, **attributes)


def _save(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    values: Mapping[str, np.ndarray] | None = None,
    metadata: Mapping[str, object] | None = None,
) -> None:
    ports = [[helper.make_tensor_value_info(name, kind, list(shape)) for name, kind, shape in side] for side in (inputs, outputs)]
    constants = [numpy_helper.from_array(np.asarray(value), name) for name, value in (values or {}).items()]
    graph = helper.make_graph(list(nodes), path.stem, *ports, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {key: str(value) for key, value in (metadata or {}).items()})
    onnx.save(model, str(path))


def _write_tokens(folder: Path, tokens: Sequence[str]) -> None:
    (folder / "tokens.txt").write_text("".join(f"{token} {number}\n" for number, token in enumerate(tokens)), encoding="utf-8")
