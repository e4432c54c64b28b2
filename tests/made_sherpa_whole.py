"""Small models of the kinds that hear an utterance as a whole and are no transducers; see made_sherpa.py."""

import base64
from pathlib import Path

import made_graphs as g
import numpy as np

_LOW_FRAME_RATE = {
    "lfr_window_size": 7,
    "lfr_window_shift": 6,
    "neg_mean": ",".join(["0"] * 560),
    "inv_stddev": ",".join(["1"] * 560),
}
"""Seven frames become one: what FunASR's models are told."""


def nemo_ctc(folder: Path, sentence: str) -> None:
    """An offline NeMo CTC model."""
    tokens = [*g.pieces(sentence), "<blk>"]
    g.save(
        folder / "model.onnx",
        [*g.ctc("audio_signal", 2, 8, "logprobs")],
        [("audio_signal", g.FLOAT, ("N", g.MELS, "T")), ("length", g.INT64, ("N",))],
        [("logprobs", g.FLOAT, ("N", "T2", len(tokens)))],
        g.ctc_values(8, list(range(len(tokens) - 1)), len(tokens), len(tokens) - 1),
        {
            "vocab_size": len(tokens) - 1,
            "normalize_type": "per_feature",
            "subsampling_factor": 8,
            "model_type": "EncDecCTCModelBPE",
            "version": "1",
            "model_author": "NeMo",
        },
    )
    g.write_tokens(folder, tokens)


def sense_voice(folder: Path, sentence: str) -> None:
    """SenseVoice: a CTC model that says language, emotion, kind of sound and notation before the words."""
    tags = ["<|en|>", "<|NEUTRAL|>", "<|Speech|>", "<|woitn|>"]
    tokens = ["<unk>", "<s>", "</s>", *tags, *g.pieces(sentence)]
    g.save(
        folder / "model.int8.onnx",
        [*g.ctc("x", 1, 1, "logits")],
        [("x", g.FLOAT, ("N", "T", 560)), *((name, g.INT32, ("N",)) for name in ("x_length", "language", "text_norm"))],
        [("logits", g.FLOAT, ("N", "T2", len(tokens)))],
        g.ctc_values(1, list(range(3, len(tokens))), len(tokens), 0),
        {
            **_LOW_FRAME_RATE,
            "normalize_samples": 0,
            "model_type": "sense_voice_ctc",
            "vocab_size": len(tokens),
            **{f"lang_{name}": number for name, number in (("auto", 0), ("zh", 3), ("en", 4), ("yue", 7), ("ja", 11), ("ko", 12))},
            "with_itn": 14,
            "without_itn": 15,
        },
    )
    g.write_tokens(folder, tokens)


def moonshine(folder: Path, sentence: str) -> None:
    """Moonshine as its first version was exported: four graphs."""
    tokens = ["<unk>", "<s>", "</s>", *g.pieces(sentence)]
    state: g.Port = ("args_3", g.FLOAT, (1, 1, 1, 1))
    decode: list[g.Port] = [("args_0", g.INT32, (1, 1)), ("args_1", g.FLOAT, (1, "T", 1)), ("args_2", g.INT32, (1,))]
    logits: g.Port = ("reversible_embedding", g.FLOAT, (1, 1, len(tokens)))
    g.save(
        folder / "preprocess.onnx",
        g.pooled("args_0", "sequential"),
        [("args_0", g.FLOAT, (1, "S"))],
        [("sequential", g.FLOAT, (1, "T", 1))],
    )
    g.save(
        folder / "encode.int8.onnx",
        [g.node("Identity", ["args_0"], ["layer_normalization_12"])],
        [("args_0", g.FLOAT, (1, "T", 1)), ("args_1", g.INT32, (1,))],
        [("layer_normalization_12", g.FLOAT, (1, "T", 1))],
    )
    said = [g.node("Gather", ["following", "args_0"], ["reversible_embedding"])]
    g.save(
        folder / "uncached_decode.int8.onnx",
        [*said, g.node("Identity", ["cache"], ["functional_22"])],
        decode,
        [logits, ("functional_22", g.FLOAT, state[2])],
        {"following": g.following(tokens, first=1, end=2), "cache": np.zeros((1, 1, 1, 1), np.float32)},
    )
    g.save(
        folder / "cached_decode.int8.onnx",
        [*said, g.node("Identity", ["args_3"], ["functional_22"])],
        [*decode, state],
        [logits, ("functional_22", g.FLOAT, state[2])],
        {"following": g.following(tokens, first=1, end=2)},
    )
    g.write_tokens(folder, tokens)


def moonshine_v2(folder: Path, sentence: str) -> None:
    """Moonshine as its second version was exported: an encoder and one decoder for all steps; tokens in base64."""
    tokens = ["<unk>", "<s>", "</s>", *g.pieces(sentence)]
    states = [f"0.{part}.{kind}" for part in ("decoder", "encoder") for kind in ("key", "value")]
    g.save(
        folder / "encoder_model.onnx",
        g.pooled("input_values", "last_hidden_state"),
        [("input_values", g.FLOAT, (1, "S"))],
        [("last_hidden_state", g.FLOAT, (1, "T", 1))],
    )
    g.save(
        folder / "decoder_model_merged.onnx",
        [
            g.node("Gather", ["following", "input_ids"], ["logits"]),
            *(g.node("Identity", ["cache"], [f"present.{state}"]) for state in states),
        ],
        [
            ("input_ids", g.INT64, (1, 1)),
            ("encoder_hidden_states", g.FLOAT, (1, "T", 1)),
            *((f"past_key_values.{state}", g.FLOAT, (1, 1, "P", 1)) for state in states),
            ("use_cache_branch", g.BOOL, (1,)),
        ],
        [("logits", g.FLOAT, (1, 1, len(tokens))), *((f"present.{state}", g.FLOAT, (1, 1, 2, 1)) for state in states)],
        {"following": g.following(tokens, first=1, end=2), "cache": np.zeros((1, 1, 2, 1), np.float32)},
    )
    g.write_tokens(folder, [_base64(token) for token in tokens])


def zipformer_ctc(folder: Path, sentence: str) -> None:
    """An offline zipformer with a CTC output, as icefall exports it."""
    tokens = ["<blk>", "<sos/eos>", "<unk>", *g.pieces(sentence.upper())]
    g.save(
        folder / "model.int8.onnx",
        [*g.ctc("x", 1, 4, "log_probs"), g.node("Div", ["x_lens", "four"], ["log_probs_len"])],
        [("x", g.FLOAT, ("N", "T", g.MELS)), ("x_lens", g.INT64, ("N",))],
        [("log_probs", g.FLOAT, ("N", "T2", len(tokens))), ("log_probs_len", g.INT64, ("N",))],
        {"four": np.int64(4), **g.ctc_values(4, list(range(3, len(tokens))), len(tokens), 0)},
        {"model_type": "zipformer2_ctc", "version": "1", "model_author": "k2-fsa", "comment": "non-streaming zipformer2 CTC"},
    )
    g.write_tokens(folder, tokens)


def paraformer(folder: Path, sentence: str) -> None:
    """Paraformer, which says all tokens at once, and how many they are."""
    tokens = ["<blank>", "<s>", "</s>", *sentence.split(), "<unk>"]
    said = list(range(3, len(tokens) - 1))
    logits = np.zeros((1, len(said), len(tokens)), np.float32)
    logits[0, range(len(said)), said] = g.LOUD
    g.save(
        folder / "model.int8.onnx",
        [g.node("Identity", ["all"], ["logits"]), g.node("Identity", ["count"], ["token_num"])],
        [("speech", g.FLOAT, ("N", "T", 560)), ("speech_lengths", g.INT32, ("N",))],
        [("logits", g.FLOAT, ("N", "U", len(tokens))), ("token_num", g.INT32, ("N",))],
        {"all": logits, "count": np.array([len(said)], np.int32)},
        {"model_type": "paraformer", "vocab_size": len(tokens), **_LOW_FRAME_RATE},
    )
    g.write_tokens(folder, tokens)


def whisper(folder: Path, sentence: str, *, codes: str = "") -> None:
    """Whisper's encoder and decoder with its caches; codes: languages of a multilingual one, separated by commas."""
    words = g.pieces(sentence)
    specials = [
        "eot",
        "sot",
        *(f"lang_{code}" for code in codes.split(",") if code),
        "transcribe",
        "translate",
        "no_speech",
        "no_timestamps",
    ]
    tokens = [*words, *specials]
    at = {name: number for number, name in enumerate(tokens)}
    table = g.following(tokens, first=at["no_timestamps"], end=at["eot"])
    languages = [name for name in specials if name.startswith("lang_")]
    if languages:
        table[at["sot"], at[languages[-1]]] = g.LOUD
    cross = [("n_layer_cross_k", g.FLOAT, (1, "N", "T2", 4)), ("n_layer_cross_v", g.FLOAT, (1, "N", "T2", 4))]
    own = [("n_layer_self_k_cache", g.FLOAT, (1, "N", 32, 4)), ("n_layer_self_v_cache", g.FLOAT, (1, "N", 32, 4))]
    g.save(
        folder / "made-encoder.int8.onnx",
        [g.node("Identity", ["cross"], [name]) for name, *_ in cross],
        [("mel", g.FLOAT, ("N", g.MELS, "T"))],
        cross,
        {"cross": np.zeros((1, 1, 2, 4), np.float32)},
        {
            "model_type": "whisper-made" if codes else "whisper-made.en",
            "version": "1",
            "n_mels": g.MELS,
            "n_text_layer": 1,
            "n_text_ctx": 32,
            "n_text_state": 4,
            "n_vocab": len(tokens),
            "blank_id": 0,
            **{name: at[name] for name in ("sot", "eot", "translate", "transcribe", "no_timestamps", "no_speech")},
            "sot_sequence": ",".join(str(at[name]) for name in ("sot", *languages[:1], *(["transcribe"] if codes else []))),
            "is_multilingual": int(bool(codes)),
            "all_language_tokens": ",".join(str(at[name]) for name in languages),
            "all_language_codes": codes,
        },
    )
    g.save(
        folder / "made-decoder.int8.onnx",
        [g.node("Gather", ["following", "tokens"], ["logits"]), *(g.node("Identity", [f"in_{name}"], [f"out_{name}"]) for name, *_ in own)],
        [("tokens", g.INT64, ("N", "U")), *((f"in_{name}", *rest) for name, *rest in own), *cross, ("offset", g.INT64, (1,))],
        [("logits", g.FLOAT, ("N", "U", len(tokens))), *((f"out_{name}", *rest) for name, *rest in own)],
        {"following": table},
    )
    g.write_tokens(folder, [_base64(word) for word in words], "made-tokens.txt")


def _base64(token: str) -> str:
    return base64.b64encode(token.replace("▁", " ").encode()).decode()
