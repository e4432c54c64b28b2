"""The embedded voice: which voices there are, what a text can do to it, and that requests do not mix."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.errors import EngineError, SettingsError, UnknownNameError
from wyoming_servers.shared.espeak import RATE_HZ, Prosody, espeak
from wyoming_servers.tts.engine import TtsRequest
from wyoming_servers.tts.espeak import EspeakEngine

TOLERANCE = 0.03  # espeak-ng carries a little state from one sentence to the next: lengths differ by a few blocks


def engine(**options) -> EspeakEngine:
    return EspeakEngine(EspeakEngine.Options(**options), EngineContext())


def seconds(text: str, voice: str = "en-us", speaker: str | None = None, **options) -> float:
    return sum(len(block.pcm) for block in engine(**options).synthesize(TtsRequest(text, voice, speaker))) / 2 / RATE_HZ


def models(language: str = "en", **options) -> list:
    return EspeakEngine.models(EspeakEngine.Options(**options), EngineContext(language=language))


@pytest.mark.parametrize(
    ("language", "voice"),
    [
        ("en", "en-us"),
        ("en-GB", "en-gb"),
        ("en_US", "en-us"),
        ("de", "de"),
        ("de-AT", "de"),
        ("fr", "fr-fr"),
        ("nb", "nb"),
        ("no", "nb"),
        ("zh", "cmn"),
        ("tlh", "en-us"),
    ],
)
def test_the_default_voice_speaks_the_language_of_the_house(language, voice):
    assert models(language)[0].name == voice


def test_the_default_voice_can_be_chosen():
    assert models("en", voice="pt-BR")[0].name == "pt-br"


def test_a_default_voice_that_does_not_exist_is_a_settings_error_that_names_others():
    with pytest.raises(SettingsError, match="'en-uk'.*en-us"):
        models(voice="en-uk")


def test_languages_are_written_as_bcp_47():
    languages = {model.name: model.languages for model in models()}
    assert languages["en-us"] == ("en-US", "en")
    assert languages["en-gb-x-rp"][0] == "en-GB-x-rp"
    assert languages["en-shaw"][0] == "en-Shaw"
    assert languages["es-419"][0] == "es-419"


def test_every_voice_that_is_listed_speaks():
    silent = [model.name for model in models() if seconds("papa mama 123", model.name) < 0.3]
    assert silent == []


def test_every_speaker_that_is_listed_sounds_different_from_the_voice_itself():
    made = {b"".join(block.pcm for block in engine().synthesize(TtsRequest("hello", "en-us", speaker))) for speaker in models()[0].speakers}
    assert len(made) == len(models()[0].speakers)


def test_a_voice_or_speaker_that_does_not_exist_is_an_error():
    for request in (TtsRequest("hello", "martian"), TtsRequest("hello", "en-us", "martian")):
        with pytest.raises(UnknownNameError, match="martian"):
            list(engine().synthesize(request))


def test_the_library_names_a_voice_it_does_not_have():
    with pytest.raises(UnknownNameError, match="nowhere"):
        list(espeak().speak("hello", "nowhere", Prosody()))


def test_speed_changes_the_length():
    assert seconds("One two three four five.", rate_wpm=300) < 0.75 * seconds("One two three four five.", rate_wpm=150)


def test_a_word_gap_lengthens_the_speech():
    assert seconds("One two three four five.", word_gap=30) > 1.3 * seconds("One two three four five.")


def test_volume_scales_the_sound():
    def loudest(volume: int) -> int:
        pcm = b"".join(block.pcm for block in engine(volume=volume).synthesize(TtsRequest("hello", "en-us")))
        return max(abs(int.from_bytes(pcm[i : i + 2], "little", signed=True)) for i in range(0, len(pcm), 2))

    assert loudest(50) == pytest.approx(loudest(100) / 2, rel=0.2)
    assert loudest(0) == 0


def test_pitch_raises_the_voice_and_keeps_the_length():
    def spoken(pitch: int) -> np.ndarray:
        return np.frombuffer(b"".join(b.pcm for b in engine(pitch=pitch).synthesize(TtsRequest("ah ah ah ah", "en-us"))), "<i2").astype(
            float
        )

    def pitch_hz(samples: np.ndarray) -> float:
        hum = np.convolve(samples[:8192], np.ones(80) / 80)  # without the formants
        likeness = np.correlate(hum, hum, "full")[len(hum) :]
        lags = slice(RATE_HZ // 400, RATE_HZ // 60)
        return RATE_HZ / (lags.start + 1 + int(np.argmax(likeness[lags])))

    low, high = spoken(10), spoken(90)
    assert pitch_hz(high) > 1.3 * pitch_hz(low)
    assert len(low) == pytest.approx(len(high), rel=0.1)


@pytest.mark.parametrize("text", ["", " ", "...", "?!", "“”", "\x00", "\x01\x02", "\u200b", "\ue000", "\ud800"])
def test_a_text_without_words_makes_no_sound(text):
    assert list(engine().synthesize(TtsRequest(text, "en-us"))) == []


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("hello\x00 world", "hello world"),
        ("\x01450S one two three four", "450S one two three four"),
        ("hello \ud800world", "hello world"),
        ("hello\x07\x1b world", "hello world"),
        ("one\ttwo", "one two"),
    ],
)
def test_characters_that_mean_something_to_the_library_are_taken_out(text, like):
    assert seconds(text) == pytest.approx(seconds(like), rel=TOLERANCE)


def test_phonemes_in_brackets_are_read_and_not_obeyed():
    assert seconds("[[h@loU]]") > 1.5 * seconds("hello")


def test_speech_markup_is_not_obeyed():
    assert seconds('one <break time="9s"/> two') < 8


@pytest.mark.parametrize("text", ["你好世界", "Здравствуй, мир", "مرحبا", "नमस्ते", "สวัสดี", "😀 hello", "naïve café", "5 €", "𝒽𝑒𝓁𝓁𝑜"])
@pytest.mark.parametrize("voice", ["en-us", "cmn", "ar"])
def test_any_script_makes_some_sound_with_any_voice(text, voice):
    assert seconds(text, voice) > 0.1


def test_a_very_long_text_is_said_to_the_end():
    assert seconds("word " * 4000) == pytest.approx(4000 * seconds("word " * 40) / 40, rel=0.1)


def test_a_word_without_end_is_said_in_pieces():
    assert seconds("a" * 5000) > 10


def test_the_first_sound_is_there_before_the_rest_is_asked_for():
    blocks = engine().synthesize(TtsRequest("This is a long sentence that goes on. " * 200, "en-us"))
    assert 0 < len(next(blocks).pcm) <= 0.1 * RATE_HZ * 2
    blocks.close()


def test_a_request_that_is_closed_leaves_the_library_to_others():
    for _ in range(20):
        blocks = engine().synthesize(TtsRequest("This is a long sentence that goes on. " * 50, "de"))
        next(blocks)
        blocks.close()
    assert seconds("hello") == pytest.approx(seconds("hello"), rel=TOLERANCE)


def test_requests_at_the_same_time_take_turns_and_do_not_mix_voices_or_speeds():
    jobs = [("en-us", None, 150), ("de", "f2", 300), ("fr-fr", "m3", 200), ("en-us", "f5", 400)]
    text = "One two three. Four five six! Seven eight nine?"

    def length(job) -> float:
        voice, speaker, rate_wpm = job
        return seconds(text, voice, speaker, rate_wpm=rate_wpm)

    alone = {job: length(job) for job in jobs}
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(length, jobs * 6))
    assert together == [pytest.approx(alone[job], rel=TOLERANCE) for job in jobs * 6]


def test_a_reader_that_stops_half_way_does_not_hold_the_library():
    half_way = engine().synthesize(TtsRequest("This sentence is read only in part. And this one never.", "en-us"))
    next(half_way)
    said: list[float] = []
    other = threading.Thread(target=lambda: said.append(seconds("hello")), daemon=True)
    other.start()
    other.join(5)
    assert said and said[0] > 0.2
    half_way.close()


def test_phonemes_of_a_name():
    assert espeak().phonemes("Jarvis, hello.", "gmw/en-US") == "dʒˈɑːɹvɪs həlˈoʊ"


def test_a_library_that_cannot_be_loaded_says_so(monkeypatch, tmp_path):
    import espeakng_loader

    from wyoming_servers.shared.espeak import Espeak

    monkeypatch.setattr(espeakng_loader, "get_library_path", lambda: str(tmp_path / "gone.so"))
    with pytest.raises(EngineError, match="cannot be loaded"):
        Espeak()


_FAR_AWAY = """
import sys, espeakng_loader
espeakng_loader.get_data_path = lambda: sys.argv[1]
from wyoming_servers.shared.espeak import Prosody, espeak
print(sum(map(len, espeak().speak("Guten Tag", "gmw/de", Prosody()))))
"""


def test_an_installation_with_a_very_long_path_speaks(tmp_path):
    import espeakng_loader

    folder = tmp_path / ("a" * 100) / ("b" * 100)
    folder.mkdir(parents=True)
    (folder / "espeak-ng-data").symlink_to(espeakng_loader.get_data_path())
    ended = subprocess.run([sys.executable, "-c", _FAR_AWAY, str(folder / "espeak-ng-data")], capture_output=True, text=True, timeout=9)
    assert int(ended.stdout or 0) > RATE_HZ // 2, ended.stderr
