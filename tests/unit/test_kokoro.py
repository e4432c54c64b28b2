"""The Kokoro engine: its voices, its pronunciation, files that are broken."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from kokoro_onnx.tokenizer import Tokenizer
from made_voice import loudest_hz, make_kokoro
from rigged import bare_context

from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.errors import EngineUnavailableError, SettingsError, UnknownNameError
from wyoming_servers.shared.models import ModelStore
from wyoming_servers.shared.settings import ModelsSection
from wyoming_servers.tts.engine import TtsRequest
from wyoming_servers.tts.kokoro import KokoroEngine, KokoroOptions
from wyoming_servers.tts.kokoro_phonemes import Phonemizer
from wyoming_servers.tts.voices import choose_voice

VOICES = ("af_heart", "am_adam", "bf_emma", "ef_dora", "ff_siwis", "zf_xiaobei")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """The folder of an installed model."""
    return make_kokoro(tmp_path / "models" / "kokoro" / "kokoro-made", VOICES)


@pytest.fixture
def context(tmp_path: Path) -> EngineContext:
    return bare_context(tmp_path)


def names(context: EngineContext, **options) -> list[str]:
    return [voice.name for voice in KokoroEngine.models(KokoroOptions(**options), context)]


def pcm(context: EngineContext, name: str, text: str = "Hello there.", **options) -> bytes:
    """What a fresh engine says."""
    engine = KokoroEngine(KokoroOptions(**options), context)
    try:
        return b"".join(block.pcm for block in engine.synthesize(TtsRequest(text, name)))
    finally:
        engine.close()


def known(phonemes: str) -> str:
    """What kokoro-onnx leaves of it."""
    return "".join(c for c in phonemes if c in Tokenizer().vocab).strip()


def test_every_voice_of_the_file_is_offered_the_best_of_the_house_first(model, context):
    assert names(context)[0] == "af_heart"
    assert sorted(names(context)) == sorted(VOICES)
    assert names(EngineContext(language="fr", store=context.store))[0] == "ff_siwis"
    assert names(EngineContext(language="en-GB", store=context.store))[0] == "bf_emma"


def test_voices_in_a_file_called_npz_are_found(tmp_path, context):
    make_kokoro(tmp_path / "models" / "kokoro" / "made", VOICES, file="voices-v1.0.npz")
    assert "af_heart" in names(context)


@pytest.mark.parametrize(("voice", "tags"), [("af_heart", ("en-US", "en")), ("ef_dora", ("es",)), ("zf_xiaobei", ("zh-CN", "zh"))])
def test_a_voice_speaks_the_language_of_its_first_letter(model, context, voice, tags):
    assert {model.name: model.languages for model in KokoroEngine.models(KokoroOptions(), context)}[voice] == tags


def test_a_request_for_a_language_gets_the_voice_configured_for_it(model, context):
    models = KokoroEngine.models(KokoroOptions(voices={"en-US": "am_adam"}, voice="bf_emma"), context)
    assert choose_voice(models, {"language": "en-US"})[0].name == "am_adam"
    assert models[0].name == "bf_emma"


def test_a_configured_voice_that_does_not_exist_is_an_error_that_lists_those_there_are(model, context):
    with pytest.raises(SettingsError, match="'nobody' does not exist; there are: af_heart"):
        names(context, voice="nobody")


def test_voices_differ(model, context):
    assert loudest_hz(pcm(context, "af_heart"), 24_000) + 50 < loudest_hz(pcm(context, "am_adam"), 24_000)


def test_twice_the_speed_takes_half_as_long(model, context):
    assert len(pcm(context, "af_heart", speed=2.0)) == pytest.approx(len(pcm(context, "af_heart")) / 2, rel=0.05)


def test_a_blend_lies_between_its_voices(model, context):
    blends = {"both": "af_heart(1)+am_adam(3)"}
    low, high, both = (loudest_hz(pcm(context, name, blends=blends), 24_000) for name in ("af_heart", "am_adam", "both"))
    assert both == pytest.approx(low + (high - low) * 0.75, abs=15)


def test_a_blend_is_a_voice_of_its_own(model, context):
    models = KokoroEngine.models(KokoroOptions(blends={"mine": "bf_emma+af_heart"}), context)
    assert [model.languages for model in models if model.name == "mine"] == [("en-GB", "en")]


@pytest.mark.parametrize(
    ("recipe", "said"), [("af_heart+", "not of the form"), ("af_heart(0)", "not of the form"), ("af_x+af_heart", "'af_x'")]
)
def test_a_blend_that_cannot_be_mixed_says_why(model, context, recipe, said):
    with pytest.raises(SettingsError, match=said):
        names(context, blends={"mine": recipe})


def test_an_unknown_voice_lists_those_there_are(model, context):
    with pytest.raises(UnknownNameError, match="af_heart, am_adam"):
        pcm(context, "nobody")


def test_a_text_longer_than_the_network_takes_is_spoken_to_its_end(model, context):
    once, often = (len(pcm(context, "af_heart", "seven " * count, sentence_silence_ms=0)) for count in (1, 300))
    assert often > 250 * once


def test_sentences_of_one_request_are_parted_by_silence(model, context):
    together, parted = (len(pcm(context, "af_heart", "One. Two.", sentence_silence_ms=ms)) for ms in (0, 500))
    assert parted - together == 24_000  # half a second of 16-bit samples


@pytest.mark.parametrize(
    ("file", "content"), [("kokoro.onnx", b"<html>"), ("kokoro.onnx", b""), ("voices.bin", b"PK"), ("voices.bin", b"")]
)
def test_a_broken_file_is_named(model, context, file, content):
    (model / file).write_bytes(content)
    with pytest.raises(EngineUnavailableError, match=file):
        names(context)


@pytest.mark.parametrize("file", ["kokoro.onnx", "voices.bin"])
def test_a_missing_file_is_asked_for(model, context, file):
    (model / file).unlink()
    with pytest.raises(EngineUnavailableError, match="needs an .onnx file and a voices file"):
        names(context)


def test_the_full_network_is_preferred_to_its_smaller_variants(model, context):
    (model / "kokoro.int8.onnx").write_bytes(b"<html>")
    assert pcm(context, "af_heart")


def test_a_vocabulary_beside_the_network_is_used(model, context):
    (model / "config.json").write_text('{"vocab": {".": 4, "a": 43}}')
    tokens = 2 + len("a.")  # and a pad at either end
    assert len(pcm(context, "af_heart", "ha ha.")) / 2 == pytest.approx(1200 * (tokens + 1), rel=0.5)


class _FetchingStore(ModelStore):
    """Has the model as soon as it is asked for."""

    def locate(self, engine: str, name: str) -> Path | None:
        return self.installed(engine).get(name)

    def ensure(self, engine: str, name: str) -> Path:
        return make_kokoro(self.folders[0] / engine / name, VOICES)


def test_a_model_that_is_yet_to_be_fetched_is_offered_as_such(tmp_path):
    context = EngineContext(store=_FetchingStore(ModelsSection(folder=str(tmp_path))))
    (voice,) = KokoroEngine.models(KokoroOptions(), context)
    assert (voice.name, voice.installed) == ("af_heart", False)
    assert pcm(context, "af_heart")
    assert KokoroEngine.models(KokoroOptions(), context)[0].installed


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en-us", "It is 19.99 euros, i.e. 3,5 percent!"),
        ("en-us", "“Quoted” text — with dashes; and (parens)."),
        ("en-us", 'The timer "noodles" ends at 10:30 p.m. today'),
        ("en-us", "Wait... what?! Dr. Smith's 2nd house, e.g. NATO."),
        ("en-us", "5"),
        ("en-gb", "Hello there. How are you, darling?"),
        ("es", "¿Qué tal? ¡Hola! El teléfono de John."),
        ("fr-fr", "Bonjour, comment ça va ? Il fait 20 degrés."),
        ("hi", "नमस्ते, आप कैसे हैं?"),
        ("it", "Ciao, come stai? Il computer è acceso."),
        ("pt-br", "Olá, tudo bem? O smartphone."),
        ("cmn", "你好 今天天气怎么样"),
    ],
)
def test_the_pronunciation_is_that_of_kokoro_onnx(language, text):
    assert known(Phonemizer().phonemes(text, language)) == Tokenizer().phonemize(text, language)


def test_a_change_of_language_inside_a_sentence_is_not_read_aloud():
    assert "(" not in Phonemizer().phonemes("le week-end", "fr-fr")


def test_the_punctuation_of_chinese_stays():
    assert Phonemizer().phonemes("你好，你好。", "cmn").count(",") == 1
    assert Phonemizer().phonemes("你好，你好。", "cmn").endswith(".")


def test_pronunciations_asked_for_at_once_do_not_mix():
    phonemizer = Phonemizer()
    texts = [("Hello there.", "en-us"), ("Hola, buenos días.", "es"), ("Bonjour à tous.", "fr-fr")]
    alone = [phonemizer.phonemes(*text) for text in texts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda number: phonemizer.phonemes(*texts[number % 3]), range(60)))
    assert together == alone * 20


def test_a_network_that_makes_no_number_makes_silence_not_noise(model, context):
    styles = {name: np.full((510, 1, 256), np.nan, np.float32) for name in VOICES}
    with (model / "voices.bin").open("wb") as file:
        np.savez(file, **styles)
    assert not any(pcm(context, "af_heart"))
