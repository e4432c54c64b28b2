"""Small ONNX models with the inputs, outputs and metadata of the real ones, which sherpa-onnx loads and which hear one sentence.

Names and metadata are those that icefall's `export-onnx-streaming.py` and sherpa-onnx's own export scripts write. Inside is only
what it takes to say the sentence, and for streaming models the loudness of every chunk, so that a word comes for each chunk that is
not silent, and loud noise would be taken for speech. Models that are no transducers are in made_sherpa_whole.py.
"""

from collections.abc import Mapping
from pathlib import Path

import made_graphs as g
import made_sherpa_whole as whole
import numpy as np

SENTENCE = "what time is it"
CHUNK_FRAMES = 16
"""Frames of 10 ms that the streaming models take in one step: one word each."""
_PAD_FRAMES = 13  # what zipformer sees beyond its chunk


def make(family: str, folder: Path, sentence: str = SENTENCE, **more) -> Path:
    """A model folder of this family (see MAKERS) that hears the sentence."""
    folder.mkdir(parents=True, exist_ok=True)
    MAKERS[family](folder, sentence, **more)
    return folder


def streaming_zipformer(
    folder: Path, sentence: str = SENTENCE, *, suffix: str = "", upper: bool = True, rivals: Mapping[str, str] | None = None
) -> None:
    """A streaming zipformer2 transducer as icefall exports it.

    upper: its vocabulary is in capitals, as that of LibriSpeech is. rivals: word → one that it takes it for, in capitals.
    """
    tokens = ["<blk>", "<sos/eos>", "<unk>", *g.pieces(sentence.upper() if upper else sentence)]
    tokens += [f"▁{other}" for other in (rivals or {}).values()]
    width = len(tokens)
    caches = [
        ("cached_key_0", g.FLOAT, (4, "N", 4)),
        ("cached_nonlin_attn_0", g.FLOAT, (1, "N", 4, 3)),
        ("cached_val1_0", g.FLOAT, (4, "N", 4)),
        ("cached_val2_0", g.FLOAT, (4, "N", 4)),
        ("cached_conv1_0", g.FLOAT, ("N", 4, 1)),
        ("cached_conv2_0", g.FLOAT, ("N", 4, 1)),
        ("embed_states", g.FLOAT, ("N", 128, 3, 19)),
        ("processed_lens", g.INT64, ("N",)),
    ]
    g.save(
        folder / f"encoder-epoch-99-avg-1{suffix}.onnx",
        [*g.loudness("x", (1, 2)), g.node("Mul", ["loud", "first"], ["encoder_out"]), *g.carry(caches)],
        [("x", g.FLOAT, ("N", CHUNK_FRAMES + _PAD_FRAMES, g.MELS)), *caches],
        [("encoder_out", g.FLOAT, ("N", CHUNK_FRAMES // 2, width)), *g.carried(caches)],
        {"quiet": np.float32(g.QUIET_LOG_MEL), "first": g.first_frame(CHUNK_FRAMES // 2, width)},
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
    _stateless(folder, tokens, suffix, rivals)
    g.write_tokens(folder, tokens)


def zipformer(folder: Path, sentence: str = SENTENCE) -> None:
    """An offline zipformer transducer as icefall exports it."""
    tokens = ["<blk>", "<sos/eos>", "<unk>", *g.pieces(sentence.upper())]
    width = len(tokens)
    g.save(
        folder / "encoder-epoch-99-avg-1.onnx",
        [*g.frames("x", 1, 4, width), g.node("Div", ["x_lens", "four"], ["encoder_out_lens"])],
        [("x", g.FLOAT, ("N", "T", g.MELS)), ("x_lens", g.INT64, ("N",))],
        [("encoder_out", g.FLOAT, ("N", "T2", width)), ("encoder_out_lens", g.INT64, ("N",))],
        {"four": np.int64(4), **g.frame_values(4, width)},
        {"model_type": "zipformer2", "version": "1", "model_author": "k2-fsa", "comment": "non-streaming zipformer2"},
    )
    _stateless(folder, tokens)
    g.write_tokens(folder, tokens)


def streaming_nemo(folder: Path, sentence: str = SENTENCE, *, prompts: str = "") -> None:
    """A streaming NeMo transducer with a cache-aware encoder, Nemotron's kind; prompts: `prompt_dictionary` of the multilingual one."""
    tokens = [*g.pieces(sentence), "<blk>"]
    caches = [
        ("cache_last_channel", g.FLOAT, ("N", 1, 4, 4)),
        ("cache_last_time", g.FLOAT, ("N", 1, 4, 4)),
        ("cache_last_channel_len", g.INT64, ("N",)),
    ]
    following = ["cache_last_channel_next", "cache_last_time_next", "cache_last_channel_next_len"]
    prompt: list[g.Port] = [("prompt_index", g.INT64, ("N",))] if prompts else []
    shift = CHUNK_FRAMES // 8
    g.save(
        folder / "encoder.int8.onnx",
        [
            *g.loudness("audio_signal", (1, 2)),
            g.node("Mul", ["loud", "first"], ["by_time"]),
            g.node("Transpose", ["by_time"], ["outputs"], perm=[0, 2, 1]),
            g.node("Div", ["length", "eight"], ["encoded_lengths"]),
            *(g.node("Identity", [cache[0]], [name]) for cache, name in zip(caches, following, strict=True)),
        ],
        [("audio_signal", g.FLOAT, ("N", g.MELS, "T")), ("length", g.INT64, ("N",)), *caches, *prompt],
        [
            ("outputs", g.FLOAT, ("N", len(tokens), shift)),
            ("encoded_lengths", g.INT64, ("N",)),
            *((name, cache[1], cache[2]) for cache, name in zip(caches, following, strict=True)),
        ],
        {"quiet": np.float32(g.QUIET_LOG_MEL), "first": g.first_frame(shift, len(tokens)), "eight": np.int64(8)},
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
            "feat_dim": g.MELS,
            "model_type": "EncDecHybridRNNTCTCBPEModel",
            "model_author": "NeMo",
            **({"prompt_dictionary": prompts, "auto_prompt_id": 101} if prompts else {}),
        },
    )
    _predictor(folder, tokens, durations=0)
    g.write_tokens(folder, tokens)


def parakeet(folder: Path, sentence: str = SENTENCE, *, url: str = "https://huggingface.co/nvidia/parakeet-tdt-0.6b-v2") -> None:
    """Parakeet TDT: an offline NeMo transducer that says of every token how long it is."""
    tokens = [*g.pieces(sentence), "<blk>"]
    g.save(
        folder / "encoder.int8.onnx",
        [
            *g.frames("audio_signal", 2, 8, len(tokens), out="by_time"),
            g.node("Transpose", ["by_time"], ["outputs"], perm=[0, 2, 1]),
            g.node("Div", ["length", "eight"], ["encoded_lengths"]),
        ],
        [("audio_signal", g.FLOAT, ("N", 128, "T")), ("length", g.INT64, ("N",))],
        [("outputs", g.FLOAT, ("N", len(tokens), "T2")), ("encoded_lengths", g.INT64, ("N",))],
        {"eight": np.int64(8), **g.frame_values(8, len(tokens))},
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
    g.write_tokens(folder, tokens)


def _stateless(folder: Path, tokens: list[str], suffix: str = "", rivals: Mapping[str, str] | None = None) -> None:
    """icefall's decoder, which sees the last two tokens and keeps nothing, and its joiner. The blank is the first token."""
    width = len(tokens)
    following = g.following(tokens, first=0, end=0, rivals=rivals)
    g.save(
        folder / f"decoder-epoch-99-avg-1{suffix}.onnx",
        [g.node("Gather", ["y", "last"], ["token"], axis=1), g.node("Gather", ["following", "token"], ["decoder_out"])],
        [("y", g.INT64, ("N", 2))],
        [("decoder_out", g.FLOAT, ("N", width))],
        {"last": np.int64(1), "following": following},
        {"context_size": 2, "vocab_size": width},
    )
    g.save(
        folder / f"joiner-epoch-99-avg-1{suffix}.onnx",
        [g.node("Mul", ["encoder_out", "decoder_out"], ["wanted"]), g.node("Add", ["wanted", "blank"], ["logit"])],
        [("encoder_out", g.FLOAT, ("N", width)), ("decoder_out", g.FLOAT, ("N", width))],
        [("logit", g.FLOAT, ("N", width))],
        {"blank": g.BLANK * np.eye(1, width, dtype=np.float32)},
        {"joiner_dim": width},
    )


def _predictor(folder: Path, tokens: list[str], *, durations: int) -> None:
    """NeMo's prediction network with its two states, and its joiner. The blank is the last token."""
    width = len(tokens)
    states: list[g.Port] = [("states.1", g.FLOAT, (1, "N", 4)), ("onnx::Slice_3", g.FLOAT, (1, "N", 4))]
    g.save(
        folder / "decoder.int8.onnx",
        [
            g.node("Gather", ["following", "targets"], ["by_time"]),
            g.node("Transpose", ["by_time"], ["outputs"], perm=[0, 2, 1]),
            *(g.node("Identity", [name], [out]) for name, out in (("target_length", "prednet_lengths"), ("states.1", "states"))),
            g.node("Identity", ["onnx::Slice_3"], ["162"]),
        ],
        [("targets", g.INT32, ("N", "U")), ("target_length", g.INT32, ("N",)), *states],
        [
            ("outputs", g.FLOAT, ("N", width, "U")),
            ("prednet_lengths", g.INT32, ("N",)),
            *((name, g.FLOAT, (1, "N", 4)) for name in ("states", "162")),
        ],
        {"following": g.following(tokens, first=width - 1, end=width - 1)},
    )
    added = np.zeros((1, 1, 1, width + durations), np.float32)
    added[..., width - 1] = g.BLANK
    if durations:
        added[..., width + 1] = 1.0  # every token takes one frame
    pads = np.array([0, 0, 0, 0, 0, durations], np.int64)
    g.save(
        folder / "joiner.int8.onnx",
        [
            g.node("Mul", ["encoder_outputs", "decoder_outputs"], ["wanted"]),
            g.node("Transpose", ["wanted"], ["by_time"], perm=[0, 2, 1]),
            g.node("Pad", ["by_time", "pads"], ["padded"]),
            g.node("Unsqueeze", ["padded", "axes"], ["spread"]),
            g.node("Add", ["spread", "added"], ["outputs"]),
        ],
        [("encoder_outputs", g.FLOAT, ("N", width, "T")), ("decoder_outputs", g.FLOAT, ("N", width, "U"))],
        [("outputs", g.FLOAT, ("N", "T", "U", width + durations))],
        {"pads": pads, "axes": np.array([1], np.int64), "added": added},
    )


MAKERS = {
    "zipformer-streaming": streaming_zipformer,
    "nemo-streaming": streaming_nemo,
    "zipformer": zipformer,
    "nemo": parakeet,
    "moonshine": whole.moonshine,
    "moonshine-v2": whole.moonshine_v2,
    "whisper": whole.whisper,
    "sense-voice": whole.sense_voice,
    "paraformer": whole.paraformer,
    "nemo-ctc": whole.nemo_ctc,
    "zipformer-ctc": whole.zipformer_ctc,
}
