"""Parts of the sherpa-onnx engine: what files say of themselves, languages, hotwords, and which sound is handed on."""

import struct
from pathlib import Path

import numpy as np
import pytest
from made_sherpa import make
from speech import silence, speak

from wyoming_servers.asr.onnx_header import OnnxHeader, read_header
from wyoming_servers.asr.sherpa_bias import Vocabulary, hotwords, phrases, write_scores
from wyoming_servers.asr.sherpa_families import FAMILIES, SherpaFiles, recognise
from wyoming_servers.asr.sherpa_languages import languages, told
from wyoming_servers.asr.sherpa_streams import cut
from wyoming_servers.asr.speech_filter import SpeechFilter
from wyoming_servers.shared.errors import EngineUnavailableError
from wyoming_servers.shared.house import Area, Device, House

onnx = pytest.importorskip("onnx", reason="onnx is not installed")


def saved(path: Path, *, ir_version: int = 8) -> Path:
    """A network that adds a weight to its input; the weight is listed among the inputs, as old exporters do."""
    from onnx import TensorProto, helper, numpy_helper

    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "weight", "y")]
    weight = numpy_helper.from_array(np.ones(1, np.float32), "weight")
    graph = helper.make_graph([helper.make_node("Add", ["x", "weight"], ["y"])], "add", ports[:2], ports[2:], [weight])
    model = helper.make_model(graph, ir_version=ir_version)
    helper.set_model_props(model, {"model_type": "adder"})
    onnx.save(model, str(path))
    return path


def test_a_header_has_names_and_metadata(tmp_path):
    header = read_header(saved(tmp_path / "m.onnx"))
    assert (header.inputs, header.outputs, header.get("model_type"), header.get("other")) == (("x", "weight"), ("y",), "adder", "")


def test_weights_of_old_files_are_no_inputs(tmp_path):
    assert read_header(saved(tmp_path / "m.onnx", ir_version=3)).inputs == ("x",)


@pytest.mark.parametrize("size", [1, 10, 50, 90])
def test_a_file_that_is_cut_off_has_no_header(tmp_path, size):
    path = saved(tmp_path / "m.onnx")
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(ValueError, match="cut off|not a"):
        read_header(path)


def files(family: str, **metadata: str) -> SherpaFiles:
    kind = next(kind for kind in FAMILIES if kind.name == family)
    return SherpaFiles(Path(), kind, {}, OnnxHeader(metadata=tuple(metadata.items())))


@pytest.mark.parametrize(
    ("name", "family", "tags"),
    [
        ("sherpa-onnx-streaming-zipformer-en-2023-06-26", "zipformer-streaming", ("en",)),
        ("sherpa-onnx-streaming-zipformer-bilingual-zh-en-2023-02-20", "zipformer-streaming", ("zh", "en")),
        ("sherpa-onnx-zipformer-korean-2024-06-24", "zipformer", ("ko",)),
        ("sherpa-onnx-moonshine-base-es-quantized-2026-02-27", "moonshine-v2", ("es",)),
        ("sherpa-onnx-sense-voice-2024-07-17", "sense-voice", ("zh", "en", "yue", "ja", "ko")),
        ("sherpa-onnx-whisper-tiny.en", "whisper", ("en",)),
        ("my-own-model", "nemo", ("en",)),
    ],
)
def test_languages_by_name(name, family, tags):
    assert languages(name, files(family), "en") == tags


def test_parakeet_v3_knows_25_languages():
    assert len(set(languages("sherpa-onnx-nemo-parakeet-tdt-0.6b-v3-int8", files("nemo"), "en"))) == 25


def test_a_whisper_for_a_house_of_an_unknown_language_offers_all_it_knows():
    assert languages("whisper-small", files("whisper", all_language_codes="en,de"), "tlh") == ("en", "de")


@pytest.mark.parametrize(("tags", "code"), [(("de-AT",), "de"), (("en", "de"), ""), (("tlh",), "")])
def test_a_whisper_is_told_a_language_that_it_knows(tags, code):
    assert told(tags, files("whisper", all_language_codes="en,de")) == {"language": code}


def test_the_family_can_be_given(tmp_path):
    folder = make("nemo-ctc", tmp_path / "m")
    assert recognise(folder, "paraformer").family.name == "paraformer"


def test_a_family_whose_files_are_not_there_is_refused(tmp_path):
    with pytest.raises(EngineUnavailableError, match="preprocess.onnx"):
        recognise(make("nemo-ctc", tmp_path / "m"), "moonshine")


def vocabulary(folder: Path, *tokens: str) -> Vocabulary:
    path = folder / "tokens.txt"
    path.write_text("".join(f"{token} {number}\n" for number, token in enumerate(tokens)))
    return Vocabulary(path)


def test_hotwords_are_in_the_spelling_of_the_vocabulary(tmp_path):
    known = vocabulary(tmp_path, "<blk>", "▁KIT", "CHEN", "▁", "L", "A", "M", "P", "▁DE", "S", "K")
    assert hotwords(known, ["Kitchen lamp", "Desk/lamp:"], ["lamp"], 0.5) == "KITCHEN LAMP/DESK LAMP/LAMP :0.5"


@pytest.mark.parametrize("name", ["Küche", "kitchens", "", "厨房", "@:/"])
def test_what_the_vocabulary_cannot_spell_is_no_hotword(tmp_path, name):
    assert hotwords(vocabulary(tmp_path, "<blk>", "▁kitchen"), [name], [], 1.0) == ""


def test_ideographs_are_spelled_one_by_one(tmp_path):
    tokens = [chr(0x4E00 + number) for number in range(100)]
    known = vocabulary(tmp_path, "<blk>", "▁lamp", *tokens)
    assert (known.unit, hotwords(known, [tokens[3] + tokens[4], "龍"], [], 1.0)) == ("cjkchar+bpe", tokens[3] + tokens[4])


def test_a_vocabulary_without_word_pieces_takes_no_hotwords(tmp_path):
    assert vocabulary(tmp_path, "<blk>", "a", "b").unit == ""


def test_every_name_of_the_house_is_a_phrase():
    areas, devices = (Area("Kitchen", ("Galley",)),), (Device("Lamp", aliases=("Light",)),)
    house = House(areas=areas, devices=devices, places=("Oslo",), timers=("tea",), lists=("food",))
    assert phrases(house) == ["Kitchen", "Galley", "Lamp", "Light", "Oslo", "tea", "food"]


def test_scores_come_from_the_order_of_the_vocabulary(tmp_path):
    write_scores(tmp_path, vocabulary(tmp_path, "<blk>", "▁a"), tmp_path / "out")
    assert (tmp_path / "out").read_text() == "<blk>\t0\n▁a\t-1\n"


def test_scores_come_from_the_models_sentencepiece_file(tmp_path):
    """Messages as sentencepiece_model.proto has them: pieces (1) with piece (1), score (2) and type (3), then a spec to step over."""
    pieces = [b"\x0a" + bytes([len(text)]) + text + b"\x15" + struct.pack("<f", score) + b"\x18\x01" for text, score in PIECES]
    (tmp_path / "bpe.model").write_bytes(b"".join(b"\x0a" + bytes([len(piece)]) + piece for piece in pieces) + b"\x12\x02\x08\x01")
    write_scores(tmp_path, vocabulary(tmp_path, "▁b"), tmp_path / "out")
    assert (tmp_path / "out").read_text() == "▁a\t-1.5\nb\t-2\n"


PIECES = (("▁a".encode(), -1.5), (b"b", -2.0))


def test_the_models_own_scores_come_first(tmp_path):
    (tmp_path / "bpe.vocab").write_text("▁a\t-7\n")
    write_scores(tmp_path, vocabulary(tmp_path, "▁b"), tmp_path / "out")
    assert (tmp_path / "out").read_text() == "▁a\t-7\n"


@pytest.mark.parametrize(("gaps", "lengths"), [([], [10, 10, 5]), ([4, 8, 15], [8, 7, 10]), ([2, 12], [2, 10, 10, 3]), ([30], [10, 10, 5])])
def test_long_speech_is_cut_at_gaps(gaps, lengths):
    assert [len(piece) for piece in cut(np.zeros(25, np.int16), gaps, 10)] == lengths


def clipped(samples: np.ndarray, block: int = 1600) -> tuple[np.ndarray, SpeechFilter]:
    voice = SpeechFilter(0.5)
    given = [voice.feed(samples[first : first + block]) for first in range(0, len(samples), block)]
    return np.concatenate([*given, voice.finish()]), voice


def test_a_short_pause_is_kept():
    samples = np.concatenate((speak("hello there"), silence(0.3), speak("good morning")))
    given, voice = clipped(samples)
    assert len(samples) - len(given) < 8000 and not voice.gaps


def test_a_long_pause_is_left_out_and_remembered():
    first, second = speak("hello there"), speak("good morning")
    given, voice = clipped(np.concatenate((first, silence(5), second)))
    assert len(given) < len(first) + len(second) + 1.5 * 16_000 and len(voice.gaps) == 1


def test_what_is_just_before_speech_is_kept():
    words = speak("hello there")
    lead = np.random.default_rng(0).normal(0, 20, 16_000).astype(np.int16)
    given, _ = clipped(np.concatenate((lead, words)))
    assert 0.2 * 16_000 < len(given) - len(words) < 0.6 * 16_000


def test_a_click_opens_nothing():
    samples = silence(2)
    samples[16_000:16_400] = np.random.default_rng(0).normal(0, 12_000, 400).astype(np.int16)
    given, voice = clipped(samples)
    assert not len(given) and not voice.heard
