"""The real faster-whisper on made models: what is heard, what is told to the model, and when it is asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from made_whisper import SENTENCE, Hearing, make_whisper
from rigged import bare_context
from speech import silence, speak

from wyoming_servers.asr.engine import AsrRequest, Transcription
from wyoming_servers.asr.speech_runs import windows
from wyoming_servers.asr.whisper import FasterWhisperEngine, FasterWhisperOptions
from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.errors import EngineError, EngineUnavailableError, UnknownNameError, UnsupportedLanguageError
from wyoming_servers.shared.house import Area, House

USUAL, HOUSE = Hearing(), House()
KITTEN = Hearing("turn off the kitten light", hints=(("the", "Kitchen", "kitchen"),))
GERMAN = Hearing("wie spät ist es", speaks="de", hints=(("", "<|translate|>", "how"),))


@contextmanager
def engine(folder: Path, hearing: Hearing = USUAL, house: House = HOUSE, language: str = "en", **options) -> Iterator:
    """The engine with one model."""
    name = "tiny" if hearing.speaks else "tiny.en"
    make_whisper(folder / "models" / "faster-whisper" / name, hearing)
    made = FasterWhisperEngine(FasterWhisperOptions(threads=1, **options), bare_context(folder, house=house, language=language))
    yield made
    made.close()


def hear(engine: FasterWhisperEngine, samples: np.ndarray | None = None, **request) -> Transcription:
    stream = engine.open(AsrRequest(**request))
    stream.feed(speak(SENTENCE) if samples is None else samples)
    result = stream.finish()
    stream.close()
    return result


@pytest.fixture
def encoded(monkeypatch) -> list[int]:
    """Frames of 10 ms of every window that a model was given, at least while it is not loaded."""
    import faster_whisper

    seen: list[int] = []
    real = faster_whisper.WhisperModel.encode

    def encode(self, features):
        seen.append(features.shape[-1])
        return real(self, features)

    monkeypatch.setattr(faster_whisper.WhisperModel, "encode", encode)
    return seen


def test_the_confidence_is_the_models(tmp_path):
    with engine(tmp_path, Hearing(sure=0.7)) as made:
        assert hear(made).confidence == pytest.approx(0.7, abs=0.05)


def test_silence_and_noise_never_reach_the_model(tmp_path, encoded):
    with engine(tmp_path) as made:
        encoded.clear()
        noise = np.random.default_rng(0).normal(0, 2000, 48_000).astype(np.int16)
        assert [hear(made, samples).text for samples in (silence(3), noise)] == ["", ""]
        assert encoded == []


@pytest.mark.parametrize(
    "hearing",
    [
        Hearing(sure=0.3, no_speech=0.9),
        Hearing(sure=0.15),
        Hearing("no way", loops=True),
        Hearing("Thank you for watching!", sure=0.6),
        Hearing("Thank you.", sure=0.4),
    ],
    ids=["nobody speaks", "guess", "loop", "end of a video", "unsure thanks"],
)
def test_what_whisper_makes_up_is_no_text(tmp_path, hearing):
    with engine(tmp_path, hearing) as made:
        assert hear(made).text == ""


@pytest.mark.parametrize("hearing", [Hearing("Thank you."), Hearing("what time is it", no_speech=0.9)], ids=["thanks", "a command"])
def test_what_is_said_clearly_survives(tmp_path, hearing):
    with engine(tmp_path, hearing) as made:
        assert hear(made).text == hearing.sentence


@pytest.mark.parametrize("told", ["house", "names", "terms", "prompt"])
def test_names_are_heard_when_the_model_is_told(tmp_path, told):
    house = House(areas=(Area("Kitchen"),) if told == "house" else (), timers=())
    request = {told: ("Bath", "Kitchen")} if told in ("names", "terms") else {}
    options = {"prompt": "In the Kitchen"} if told == "prompt" else {}
    with engine(tmp_path, KITTEN, house, **options) as made:
        assert hear(made, **request).text == "turn off the kitchen light"


def test_names_of_the_house_can_be_kept_from_the_model(tmp_path):
    with engine(tmp_path, KITTEN, House(areas=(Area("Kitchen"),)), prompt_chars=0) as made:
        assert hear(made).text == KITTEN.sentence


def test_the_names_of_the_request_come_first_where_there_are_too_many(tmp_path):
    house = House(areas=tuple(Area(f"Room {number}") for number in range(1000)))
    with engine(tmp_path, KITTEN, house, prompt="A word. " * 100, prompt_chars=800) as made:
        assert hear(made, names=("Kitchen",)).text == "turn off the kitchen light"


def test_english_is_written_for_another_language_when_that_is_wanted(tmp_path):
    with engine(tmp_path, GERMAN, language="de", task="translate") as made:
        result = hear(made)
        assert (result.text, result.language) == ("how spät ist es", "en")


def test_the_language_is_found_out_when_that_is_wanted(tmp_path):
    with engine(tmp_path, GERMAN, detect_language=True) as made:
        assert hear(made, language="en").language == "de"


def test_the_language_is_taken_as_it_is_named_otherwise(tmp_path):
    with engine(tmp_path, GERMAN, language="de") as made:
        assert [hear(made, language=tag).language for tag in (None, "de-AT", "nb", "fr_FR")] == ["de", "de", "no", "fr"]


def test_an_english_model_refuses_other_languages(tmp_path):
    with engine(tmp_path) as made, pytest.raises(UnsupportedLanguageError, match="'de'"):
        made.open(AsrRequest(language="de"))


def test_the_text_is_ready_before_the_client_has_ended(tmp_path, encoded):
    with engine(tmp_path) as made:
        stream = made.open(AsrRequest())
        encoded.clear()
        stream.feed(np.concatenate((speak(SENTENCE), silence(0.5))))
        assert len(encoded) == 1
        assert stream.finish().text == SENTENCE
        assert len(encoded) == 1


def test_the_text_is_made_anew_when_the_user_goes_on(tmp_path, encoded):
    with engine(tmp_path) as made:
        stream = made.open(AsrRequest())
        encoded.clear()
        for _ in range(2):
            stream.feed(np.concatenate((speak(SENTENCE), silence(0.5))))
        assert stream.finish().text == SENTENCE
        assert len(encoded) == 2


def test_pauses_do_not_keep_the_processor_busy(tmp_path, encoded):
    with engine(tmp_path) as made:
        stream = made.open(AsrRequest())
        encoded.clear()
        for _ in range(6):
            stream.feed(np.concatenate((speak("yes"), silence(0.5))))
        assert len(encoded) == 3
        stream.close()


def test_the_model_can_be_made_to_wait_for_the_end(tmp_path, encoded):
    with engine(tmp_path, ahead_s=0) as made:
        stream = made.open(AsrRequest())
        encoded.clear()
        stream.feed(np.concatenate((speak(SENTENCE), silence(2))))
        assert encoded == []
        assert stream.finish().text == SENTENCE


def test_the_whole_window_is_looked_at_by_default(tmp_path, encoded):
    with engine(tmp_path) as made:
        encoded.clear()
        hear(made)
        assert encoded == [3000]


def test_a_shorter_window_is_enough_when_the_text_is_beyond_doubt(tmp_path, encoded):
    with engine(tmp_path, window_s=10) as made:
        encoded.clear()
        assert hear(made).text == SENTENCE
        assert encoded == [1000]


@pytest.mark.parametrize("hearing", [Hearing("no way", loops=True), Hearing(sure=0.4), Hearing(no_speech=0.5)])
def test_a_doubtful_text_of_a_shorter_window_is_heard_again(tmp_path, encoded, hearing):
    with engine(tmp_path, hearing, window_s=10) as made:
        encoded.clear()
        hear(made)
        assert encoded == [1000, 3000]


def test_speech_longer_than_a_window_is_heard_in_parts(tmp_path):
    with engine(tmp_path) as made:
        sentence = np.concatenate((speak(SENTENCE), silence(1)))
        samples = np.tile(sentence, 40 * 16_000 // len(speak(SENTENCE)))
        texts = hear(made, samples).text.split(SENTENCE)
        assert len(texts) > 2
        assert not any(text.strip() for text in texts)


def test_windows_keep_pieces_whole():
    runs = [np.full(length, number, np.int16) for number, length in enumerate((40, 50, 20, 250))]
    assert [len(window) for window in windows(runs, 100)] == [90, 20, 100, 100, 50]


def test_a_request_that_was_given_up_is_not_worked_on(tmp_path, encoded):
    with engine(tmp_path) as made:
        stream = made.open(AsrRequest())
        stream.feed(speak(SENTENCE))
        stream.cancel()
        encoded.clear()
        with pytest.raises(EngineError, match="given up"):
            stream.finish()
        assert encoded == []


def test_every_model_on_this_machine_can_be_named(tmp_path):
    make_whisper(tmp_path / "models" / "faster-whisper" / "base.en", Hearing("good morning"))
    with engine(tmp_path) as made:
        assert [hear(made, model=name).text for name in ("base.en", None, "tiny.en")] == ["good morning", SENTENCE, SENTENCE]


def test_an_unknown_model_lists_the_known(tmp_path):
    with engine(tmp_path) as made, pytest.raises(UnknownNameError, match=r"'huge'.*tiny\.en"):
        made.open(AsrRequest(model="huge"))


def test_a_broken_model_is_an_error_that_names_its_folder(tmp_path):
    folder = make_whisper(tmp_path / "models" / "faster-whisper" / "tiny.en")
    (folder / "model.bin").write_bytes(b"broken")
    with pytest.raises(EngineError, match=r"tiny\.en"):
        FasterWhisperEngine(FasterWhisperOptions(), bare_context(tmp_path))


def test_arithmetic_the_processor_does_not_have_is_refused_with_what_it_has(tmp_path):
    with pytest.raises(EngineUnavailableError, match="float16.*float32"), engine(tmp_path, device="cpu", compute_type="float16"):
        pass


def test_cuda_that_is_not_there_says_what_to_do(tmp_path):
    import ctranslate2

    if ctranslate2.get_cuda_device_count():
        pytest.skip("there is CUDA on this machine")
    with pytest.raises(EngineUnavailableError, match="device to cpu"), engine(tmp_path, device="cuda"):
        pass


def test_robust_weighs_several_ways(tmp_path):
    make_whisper(tmp_path / "models" / "faster-whisper" / "base.en")
    made = FasterWhisperEngine(FasterWhisperOptions(preset="robust", threads=1), EngineContext(store=bare_context(tmp_path).store))
    assert hear(made).text == SENTENCE
    made.close()
