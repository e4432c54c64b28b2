"""The sherpa-onnx engine: the real library on small models of every family, and what it does with models that are broken."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from made_sherpa import MAKERS, SENTENCE, make
from rigged import bare_context
from speech import silence, speak

from wyoming_servers.asr.engine import AsrRequest, Transcription
from wyoming_servers.asr.sherpa import SherpaOnnxEngine, SherpaOnnxOptions
from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.errors import EngineError, EngineUnavailableError, UnknownNameError, UnsupportedLanguageError
from wyoming_servers.shared.house import Device, House

pytest.importorskip("sherpa_onnx", reason="sherpa-onnx is not installed")
onnx = pytest.importorskip("onnx", reason="onnx is not installed")

ROOT = Path(__file__).resolve().parents[2]
MODEL = "made"


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory) -> Iterator[Path]:
    """Where the engine remembers which models are sound."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder / "earshot" / "sherpa-onnx"


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> SherpaOnnxEngine:
    """One streaming engine for all tests here."""
    return engine(tmp_path_factory.mktemp("live"), "zipformer-streaming")


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> SherpaOnnxEngine:
    """One engine that hears utterances as a whole, for all tests here."""
    return engine(tmp_path_factory.mktemp("whole"), "moonshine")


def model_folder(folder: Path, name: str = MODEL) -> Path:
    return folder / "models" / "sherpa-onnx" / name


def engine(folder: Path, family: str, options: SherpaOnnxOptions | None = None, house: House | None = None, **more) -> SherpaOnnxEngine:
    make(family, model_folder(folder), **more)
    return SherpaOnnxEngine(options or SherpaOnnxOptions(), bare_context(folder, house=house or House()))


def listed(folder: Path, language: str = "en", **options) -> list:
    context: EngineContext = bare_context(folder, language=language)
    return SherpaOnnxEngine.models(SherpaOnnxOptions(**options), context)


def spoken(text: str = SENTENCE) -> np.ndarray:
    return np.concatenate((silence(0.3), speak(text), silence(0.3)))


def noise(seconds: float = 3.0) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1500, round(seconds * 16_000)).astype(np.int16)


def heard(
    made: SherpaOnnxEngine, samples: np.ndarray | None = None, request: AsrRequest | None = None, block: int = 1600
) -> tuple[Transcription, list[str]]:
    """What came of it, and the hypotheses on the way."""
    samples = spoken() if samples is None else samples
    stream = made.open(request or AsrRequest())
    partials = [stream.feed(samples[first : first + block]) for first in range(0, len(samples), block)]
    result = stream.finish()
    stream.close()
    return result, [partial for partial in partials if partial is not None]


@pytest.mark.parametrize("family", MAKERS)
def test_every_family_is_recognised_and_heard(tmp_path, family):
    made = engine(tmp_path, family)
    assert (heard(made)[0].text, listed(tmp_path)[0].description) == (SENTENCE, f"{MODEL} ({family})")


def test_words_come_while_they_are_spoken(live):
    assert heard(live)[1] == ["what", "what time", "what time is", "what time is it"]


def test_the_last_words_are_not_lost(tmp_path):
    import sherpa_onnx

    made = engine(tmp_path, "zipformer-streaming", sentence="one two three four five six seven eight nine ten eleven twelve thirteen")
    samples = spoken()[:-4800]
    folder = model_folder(tmp_path)
    files = {role: str(next(folder.glob(f"{role}*"))) for role in ("encoder", "decoder", "joiner", "tokens")}
    bare = sherpa_onnx.OnlineRecognizer.from_transducer(**files)
    stream = bare.create_stream()
    stream.accept_waveform(16_000, samples.astype(np.float32) / 32768)
    stream.input_finished()
    while bare.is_ready(stream):
        bare.decode_stream(stream)
    assert len(heard(made, samples)[0].text.split()) > len(bare.get_result(stream).split())


@pytest.mark.parametrize("block", [160, 513, 16_000, 100_000])
def test_the_size_of_blocks_makes_no_difference(live, block):
    assert heard(live, block=block)[0] == heard(live)[0]


@pytest.mark.parametrize("sound", [silence(3), noise(), silence(0)], ids=["silence", "noise", "nothing"])
@pytest.mark.parametrize("kind", ["live", "whole"])
def test_nothing_is_heard_where_nobody_speaks(request, kind, sound):
    assert heard(request.getfixturevalue(kind), sound)[0].text == ""


def test_noise_after_speech_adds_no_words(tmp_path):
    made = engine(tmp_path, "zipformer-streaming", sentence=" ".join(f"word{number}" for number in range(50)))
    alone = heard(made, spoken())[0].text.split()
    followed = heard(made, np.concatenate((spoken(), noise(5.0))))[0].text.split()
    assert len(followed) - len(alone) <= 6  # of 30: 0.6 s of what follows is kept


def test_streams_share_a_recogniser_on_several_threads(live):
    with ThreadPoolExecutor(6) as pool:
        assert {result[0].text for result in pool.map(lambda _: heard(live), range(12))} == {SENTENCE}


def test_a_cancelled_stream_decodes_no_more(live):
    stream = live.open(AsrRequest())
    stream.cancel()
    assert stream.feed(spoken()) is None


def test_confidence_is_what_the_tokens_have(live):
    assert heard(live)[0].confidence == pytest.approx(0.993, abs=0.001)


def test_a_family_that_tells_no_probabilities_has_no_confidence(whole):
    assert heard(whole)[0].confidence is None


def test_a_transcript_that_is_not_trusted_is_empty(tmp_path):
    assert heard(engine(tmp_path, "zipformer-streaming", SherpaOnnxOptions(trust=0.999)))[0].text == ""


@pytest.mark.parametrize(
    ("casing", "upper", "text"), [("auto", True, "what"), ("keep", True, "WHAT"), ("auto", False, "What"), ("lower", False, "what")]
)
def test_casing(tmp_path, casing, upper, text):
    made = engine(tmp_path, "zipformer-streaming", SherpaOnnxOptions(casing=casing), sentence="What", upper=upper)
    assert heard(made)[0].text == text


def test_int8_files_are_preferred(tmp_path):
    make("zipformer-streaming", model_folder(tmp_path), sentence="large")
    make("zipformer-streaming", model_folder(tmp_path), sentence="small", suffix=".int8")
    assert heard(SherpaOnnxEngine(SherpaOnnxOptions(), bare_context(tmp_path)))[0].text == "small"


def test_float_files_are_taken_when_asked_for(tmp_path):
    make("zipformer-streaming", model_folder(tmp_path), sentence="small", suffix=".int8")
    make("zipformer-streaming", model_folder(tmp_path), sentence="large")
    assert heard(SherpaOnnxEngine(SherpaOnnxOptions(precision="float"), bare_context(tmp_path)))[0].text == "large"


HOUSE = House(devices=(Device("Kyle"),))
RIVALS = {"sentence": "turn on kyle now", "rivals": {"KYLE": "GUILE"}}


def test_a_name_of_the_house_is_preferred(tmp_path):
    assert heard(engine(tmp_path, "zipformer-streaming", house=HOUSE, **RIVALS))[0].text == "turn on kyle now"


def test_without_the_name_the_likelier_word_is_heard(tmp_path):
    assert heard(engine(tmp_path, "zipformer-streaming", **RIVALS))[0].text == "turn on guile now"


@pytest.mark.parametrize("kind", ["names", "terms"])
def test_a_word_of_the_request_is_preferred(tmp_path, kind):
    made = engine(tmp_path, "zipformer-streaming", **RIVALS)
    assert heard(made, request=AsrRequest(**{kind: ("KYLE", "Zoë/:2", "")}))[0].text == "turn on kyle now"


def test_bias_can_be_turned_off(tmp_path):
    made = engine(tmp_path, "zipformer-streaming", SherpaOnnxOptions(bias="off"), HOUSE, **RIVALS)
    assert heard(made)[0].text == "turn on guile now"


@pytest.mark.parametrize("family", ["nemo", "nemo-streaming"])
def test_nemo_can_be_biased_when_asked(tmp_path, family):
    assert heard(engine(tmp_path, family, SherpaOnnxOptions(bias="on"), HOUSE))[0].text == SENTENCE


def test_a_model_for_the_language_of_the_house_comes_first(tmp_path):
    for name in ("a-en", "b-de"):
        make("nemo", model_folder(tmp_path, name))
    assert [model.name for model in listed(tmp_path, "de-AT")] == ["b-de", "a-en"]


def test_the_model_in_the_settings_comes_first(tmp_path):
    for name in ("a-en", "b-de"):
        make("nemo", model_folder(tmp_path, name))
    assert [model.name for model in listed(tmp_path, model="b-de")] == ["b-de", "a-en"]


def test_a_request_in_another_language_gets_the_model_that_knows_it(tmp_path):
    make("nemo", model_folder(tmp_path, "a-en"), "english words")
    make("zipformer-streaming", model_folder(tmp_path, "b-de"), "deutsche worte")
    made = SherpaOnnxEngine(SherpaOnnxOptions(), bare_context(tmp_path))
    texts = [heard(made, request=AsrRequest(language))[0].text for language in ("en", "de", None)]
    assert texts == ["english words", "deutsche worte", "english words"]


def test_a_model_that_is_added_while_the_engine_runs_can_be_asked_for(tmp_path):
    made = engine(tmp_path, "nemo", sentence="old")
    make("nemo", model_folder(tmp_path, "later"), "new")
    assert heard(made, request=AsrRequest(model="later"))[0].text == "new"


def test_an_unknown_language_is_refused(live):
    with pytest.raises(UnsupportedLanguageError, match="en"):
        live.open(AsrRequest("tlh"))


def test_an_unknown_model_is_refused(live):
    with pytest.raises(UnknownNameError, match=MODEL):
        live.open(AsrRequest(model="large"))


def test_a_house_whose_language_the_only_model_does_not_know_is_heard_in_the_models(tmp_path):
    make("nemo", model_folder(tmp_path))
    assert heard(SherpaOnnxEngine(SherpaOnnxOptions(), bare_context(tmp_path, language="fi")))[0].language == "en"


def test_a_model_that_is_told_the_language_is_told(tmp_path):
    prompts = '{"en-US": 0, "de-DE": 4, "auto": 101}'
    make("nemo-streaming", model_folder(tmp_path), prompts=prompts)
    made = SherpaOnnxEngine(SherpaOnnxOptions(), bare_context(tmp_path, language="de"))
    assert (listed(tmp_path)[0].languages, heard(made)[0].language) == (("en-US", "de-DE"), "de-DE")


def test_a_whisper_of_many_languages_hears_that_of_the_house(tmp_path):
    make("whisper", model_folder(tmp_path), codes="en,de,fr")
    made = SherpaOnnxEngine(SherpaOnnxOptions(), bare_context(tmp_path, language="de"))
    assert (listed(tmp_path, "de")[0].languages, heard(made)[0].language) == (("de",), "de")


def test_a_broken_model_beside_a_good_one_is_left_out(tmp_path):
    make("nemo", model_folder(tmp_path, "good"))
    make("nemo", model_folder(tmp_path, "bad")).joinpath("joiner.int8.onnx").unlink()
    assert [model.name for model in listed(tmp_path)] == ["good"]


def test_a_broken_model_alone_is_explained(tmp_path):
    make("nemo", model_folder(tmp_path)).joinpath("joiner.int8.onnx").unlink()
    with pytest.raises(EngineUnavailableError, match=r"there: decoder.int8.onnx, encoder.int8.onnx, tokens.txt.*joiner\*\.onnx"):
        listed(tmp_path)


def test_without_models_there_are_none(tmp_path):
    assert listed(tmp_path) == []


def test_a_model_that_is_not_there_is_named(tmp_path):
    with pytest.raises(EngineUnavailableError, match="large"):
        listed(tmp_path, model="large")


def damaged(path: str, change: Callable[[Path], None]) -> Callable[[Path], None]:
    return lambda folder: change(next(folder.glob(path)))


def without(key: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        model = onnx.load(path)
        kept = {prop.key: prop.value for prop in model.metadata_props if prop.key != key}
        del model.metadata_props[:]
        onnx.helper.set_model_props(model, kept)
        onnx.save(model, path)

    return change


@pytest.mark.parametrize(
    ("family", "change", "said"),
    [
        ("zipformer-streaming", damaged("encoder*", lambda path: path.write_bytes(path.read_bytes()[:500])), "cut off"),
        ("zipformer-streaming", damaged("joiner*", lambda path: path.write_bytes(b"")), "joiner.*empty"),
        ("nemo", damaged("decoder*", lambda path: path.write_text("<html>404</html>")), "decoder.*text, not a model"),
        ("nemo", damaged("tokens*", lambda path: path.write_text("<html>\n")), "tokens.txt, line 1"),
        ("moonshine-v2", damaged("encoder*", lambda path: path.rename(path.with_suffix(".ort"))), "not a model in onnxruntime's format"),
        ("zipformer-streaming", damaged("encoder*", without("T")), "'T' does not exist in the metadata"),
        ("nemo", damaged("tokens*", lambda path: path.write_text("a 0\n<blk> 1\n")), "<blk> is not the last token"),
        (
            "moonshine",
            damaged("encode.*", lambda path: path.write_bytes((path.parent / "preprocess.onnx").read_bytes())),
            "input name cannot be empty",
        ),
    ],
)
def test_a_damaged_model_is_an_error_and_not_the_end_of_the_process(tmp_path, family, change, said):
    change(make(family, model_folder(tmp_path)))
    with pytest.raises(EngineError, match=said):
        SherpaOnnxEngine(SherpaOnnxOptions(model=MODEL), bare_context(tmp_path))


def test_a_model_is_tried_out_once(tmp_path, cache):
    before = set(cache.iterdir()) if cache.exists() else set()
    first = engine(tmp_path, "nemo-ctc")
    second = SherpaOnnxEngine(SherpaOnnxOptions(), bare_context(tmp_path))
    assert heard(first)[0] == heard(second)[0] and len(set(cache.iterdir()) - before) == 1


def test_a_model_that_takes_too_long_to_load_is_given_up(tmp_path):
    make("nemo", model_folder(tmp_path))
    with pytest.raises(EngineError, match="load_timeout_s"):
        SherpaOnnxEngine(SherpaOnnxOptions(load_timeout_s=0.001), bare_context(tmp_path))


def test_cuda_that_the_library_does_not_know_is_an_error_and_no_slow_surprise(tmp_path):
    make("nemo", model_folder(tmp_path))
    with pytest.raises(EngineError, match="device=cpu"):
        SherpaOnnxEngine(SherpaOnnxOptions(device="cuda"), bare_context(tmp_path))


def test_listing_models_loads_no_library(tmp_path):
    make("nemo", model_folder(tmp_path))
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from rigged import bare_context\n"
        "from wyoming_servers.asr.sherpa import SherpaOnnxEngine, SherpaOnnxOptions\n"
        f"models = SherpaOnnxEngine.models(SherpaOnnxOptions(), bare_context(Path({str(tmp_path)!r})))\n"
        "assert len(models) == 1 and not {'sherpa_onnx', 'onnxruntime'} & set(sys.modules)\n"
    )
    path = f"{ROOT}:{ROOT / 'tests' / 'conformance'}"
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": path}, timeout=10)
