"""The Piper engine: voices on disk, their configurations, what is loaded when, and settings that are heard."""

import json
import logging
import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from made_voice import loudest_hz, make_piper_voice
from rigged import bare_context

from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.errors import BusyError, EngineError, EngineUnavailableError, UnknownNameError
from wyoming_servers.shared.espeak import espeak
from wyoming_servers.shared.models import ModelStore
from wyoming_servers.shared.settings import ModelsSection
from wyoming_servers.tts.engine import TtsRequest
from wyoming_servers.tts.piper import LoadedVoices, PiperEngine, PiperOptions
from wyoming_servers.tts.piper_voices import find
from wyoming_servers.tts.voices import choose_voice

TEXT = "Hello there."


@pytest.fixture
def context(tmp_path: Path) -> EngineContext:
    """A house with an empty models folder."""
    return bare_context(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where its Piper voices go."""
    return tmp_path / "models" / "piper"


def place(folder: Path, *names: str) -> None:
    """Voices as the downloader places them."""
    for name in names:
        make_piper_voice(folder / name / f"{name}.onnx", language=name.partition("-")[0])


def names(context: EngineContext, **options) -> list[str]:
    return [model.name for model in PiperEngine.models(PiperOptions(**options), context)]


def pcm(context: EngineContext, name: str, speaker: str | None = None, text: str = TEXT, **options) -> bytes:
    """What a fresh engine says."""
    engine = PiperEngine(PiperOptions(**options), context)
    try:
        return b"".join(block.pcm for block in engine.synthesize(TtsRequest(text, name, speaker)))
    finally:
        engine.close()


def test_a_folder_without_voices_offers_none(context):
    assert names(context) == []


@pytest.mark.parametrize(
    ("language", "name"),
    [("en", "en_US-ljspeech-medium"), ("de", "de_DE-thorsten-medium"), ("en-GB", "en_GB-"), ("sv", "sv_SE-"), ("zh", ""), ("xx", "")],
)
def test_a_house_without_voices_is_proposed_one_of_its_language(tmp_path, language, name):
    context = EngineContext(language=language, store=ModelStore(ModelsSection(folder=str(tmp_path))))
    models = PiperEngine.models(PiperOptions(), context)
    assert [(model.name[: len(name)], model.installed) for model in models] == ([(name, False)] if name else [])


def test_the_voice_of_the_house_comes_first(folder, context):
    place(folder, "de_DE-thorsten-medium", "en_GB-alba-medium", "en_US-amy-low", "en_US-lessac-medium")
    assert names(context)[0] == "en_US-lessac-medium"
    german = EngineContext(language="de", store=context.store)
    assert names(german)[0] == "de_DE-thorsten-medium"


def test_a_medium_voice_is_preferred_to_a_slow_one(folder, context):
    place(folder, "en_US-a-high", "en_US-b-medium", "en_US-c-x_low")
    assert names(context) == ["en_US-b-medium", "en_US-a-high", "en_US-c-x_low"]


def test_the_configured_voice_comes_first_whatever_its_spelling(folder, context):
    place(folder, "de_DE-thorsten-medium", "en_US-lessac-medium")
    assert names(context, voice="DE-de-Thorsten-medium")[0] == "de_DE-thorsten-medium"


def test_a_request_for_a_language_gets_the_voice_configured_for_it(folder, context):
    place(folder, "de_DE-a-medium", "de_DE-b-medium", "en_US-lessac-medium")
    models = PiperEngine.models(PiperOptions(voices={"de": "de_DE-b-medium"}), context)
    assert models[0].name == "en_US-lessac-medium"
    assert choose_voice(models, {"language": "de"})[0].name == "de_DE-b-medium"
    assert choose_voice(models, {"language": "de-DE"})[0].name == "de_DE-b-medium"


def test_a_voice_can_be_given_to_a_language_it_does_not_name(folder, context):
    place(folder, "de_DE-a-medium", "de_DE-b-medium", "en_US-lessac-medium")
    models = PiperEngine.models(PiperOptions(voices={"de-AT": "de_DE-b-medium", "de": "de_DE-a-medium"}), context)
    assert choose_voice(models, {"language": "de-AT"})[0].name == "de_DE-b-medium"
    assert choose_voice(models, {"language": "de"})[0].name == "de_DE-a-medium"


def test_the_voice_configured_for_the_language_of_the_house_is_the_default(folder, context):
    place(folder, "en_US-a-medium", "en_US-b-medium")
    assert names(context, voices={"en": "en_US-b-medium"})[0] == "en_US-b-medium"


def test_a_configured_voice_that_does_not_exist_is_an_error_that_names_it(folder, context):
    place(folder, "en_US-a-medium")
    with pytest.raises(EngineUnavailableError, match="no-such-voice"):
        names(context, voice="no-such-voice")


def test_voices_are_found_at_any_depth_as_piper_voices_has_them(folder, context):
    make_piper_voice(folder / "piper-voices" / "de" / "de_DE" / "thorsten" / "medium" / "de_DE-thorsten-medium.onnx", language="de_DE")
    make_piper_voice(folder / "piper-voices" / "en" / "en_US" / "amy" / "low" / "en_US-amy-low.onnx")
    make_piper_voice(folder / "en_US-loose-medium.onnx")
    assert sorted(names(context)) == ["de_DE-thorsten-medium", "en_US-amy-low", "en_US-loose-medium"]


def test_a_file_with_a_meaningless_name_is_called_like_its_folder(folder, context):
    make_piper_voice(folder / "grandma" / "model.onnx")
    assert names(context) == ["grandma"]


def test_a_folder_of_your_own_is_looked_through_too(tmp_path, context):
    make_piper_voice(tmp_path / "elsewhere" / "en_US-mine-medium.onnx")
    assert names(context, folder=str(tmp_path / "elsewhere")) == ["en_US-mine-medium"]


def test_a_voice_says_its_language_as_bcp_47_and_its_speakers_by_name(folder, context):
    make_piper_voice(folder / "pt_BR-x-medium.onnx", speakers=("ana", "bia"), language="pt_BR")
    model = PiperEngine.models(PiperOptions(), context)[0]
    assert (model.languages, model.speakers) == (("pt-BR", "pt"), ("ana", "bia"))


def test_a_voice_without_a_language_has_that_of_its_name(folder, context):
    make_piper_voice(folder / "nl_BE-x-medium.onnx", **{"language": "nl_BE"}, dataset="x")
    config = folder / "nl_BE-x-medium.onnx.json"
    config.write_text(json.dumps({key: value for key, value in json.loads(config.read_text()).items() if key != "language"}))
    assert PiperEngine.models(PiperOptions(), context)[0].languages == ("nl-BE", "nl")


def test_another_file_of_the_same_name_is_another_version(folder, context):
    place(folder, "en_US-a-medium")
    before = PiperEngine.models(PiperOptions(), context)[0].version
    os.utime(folder / "en_US-a-medium" / "en_US-a-medium.onnx", (2e9, 2e9))
    assert PiperEngine.models(PiperOptions(), context)[0].version != before


def test_voices_that_would_be_called_alike_are_told_apart(folder, context):
    place(folder, "en_US-a-medium", "en_US-b-medium")
    described = [model.description for model in PiperEngine.models(PiperOptions(), context)]
    assert len(set(described)) == 2


@pytest.mark.parametrize(
    ("suffix", "content", "said"),
    [
        (".onnx", b"", "empty"),
        (".onnx", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (".onnx", b"<!DOCTYPE html><html>", "text, not a model"),
        (".onnx.json", b"{", "Expecting"),
        (".onnx.json", b"[]", "not a voice's configuration"),
        (".onnx.json", b'{"audio": {}}', "phoneme_id_map"),
    ],
)
def test_a_broken_file_is_named_once_and_the_other_voices_stay(folder, context, caplog, suffix, content, said):
    place(folder, "en_US-good-medium", "en_US-broken-medium")
    broken = folder / "en_US-broken-medium" / f"en_US-broken-medium{suffix}"
    broken.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert names(context) == names(context) == ["en_US-good-medium"]
    assert len(caplog.records) == 1
    assert str(broken) in caplog.text
    assert said in caplog.text


def test_half_a_network_is_left_out(folder, context, caplog):
    place(folder, "en_US-good-medium", "en_US-half-medium")
    half = folder / "en_US-half-medium" / "en_US-half-medium.onnx"
    half.write_bytes(half.read_bytes()[:-100])
    assert names(context) == ["en_US-good-medium"]
    assert "cut off" in caplog.text


def test_a_network_without_its_configuration_is_left_out(folder, context, caplog):
    place(folder, "en_US-good-medium")
    shutil.copy(folder / "en_US-good-medium" / "en_US-good-medium.onnx", folder / "en_US-alone-medium.onnx")
    assert names(context) == ["en_US-good-medium"]
    assert "en_US-alone-medium.onnx.json is missing" in caplog.text


def test_a_network_that_only_turns_out_broken_when_loaded_leaves_the_others_speaking(folder, context, caplog):
    place(folder, "en_US-a-medium", "en_US-b-medium")
    (folder / "en_US-a-medium" / "en_US-a-medium.onnx").write_bytes(b"\x3a\x03abc")  # a graph, as far as the outside tells
    assert pcm(context, "en_US-b-medium")
    assert "en_US-a-medium.onnx cannot be loaded" in caplog.text
    with pytest.raises(EngineError, match=r"en_US-a-medium\.onnx cannot be loaded"):
        pcm(context, "en_US-a-medium")


def test_an_engine_without_any_usable_voice_does_not_start(folder, context):
    place(folder, "en_US-a-medium")
    (folder / "en_US-a-medium" / "en_US-a-medium.onnx").write_bytes(b"\x3a\x03abc")
    with pytest.raises(EngineError, match=r"en_US-a-medium\.onnx"):
        PiperEngine(PiperOptions(), context)


def test_speakers_by_name_and_by_number_are_heard(folder, context):
    make_piper_voice(folder / "en_US-two-medium.onnx", speakers=("anna", "bert"))
    anna, bert, second = (loudest_hz(pcm(context, "en_US-two-medium", speaker), 22_050) for speaker in ("anna", "bert", "1"))
    assert anna + 100 < bert
    assert bert == pytest.approx(second)


def test_the_speaker_of_a_voice_can_be_set(folder, context):
    make_piper_voice(folder / "en_US-two-medium.onnx", speakers=("anna", "bert"))
    bert = pcm(context, "en_US-two-medium", "bert")
    assert pcm(context, "en_US-two-medium", speakers={"en_US-two-medium": "bert"}) == bert


def test_an_unknown_speaker_is_named(folder, context):
    make_piper_voice(folder / "en_US-two-medium.onnx", speakers=("anna", "bert"))
    with pytest.raises(UnknownNameError, match="no speaker 'carl'; it has anna, bert"):
        pcm(context, "en_US-two-medium", "carl")


def test_twice_the_length_scale_takes_twice_as_long(folder, context):
    place(folder, "en_US-a-medium")
    assert len(pcm(context, "en_US-a-medium", length_scale=2.0)) == pytest.approx(2 * len(pcm(context, "en_US-a-medium")), rel=0.02)


def test_half_the_volume_is_half_as_loud(folder, context):
    place(folder, "en_US-a-medium")
    loud, soft = (max(memoryview(pcm(context, "en_US-a-medium", volume=volume)).cast("h")) for volume in (1.0, 0.5))
    assert loud == pytest.approx(2 * soft, rel=0.01)


def test_sentences_of_one_request_are_parted_by_silence(folder, context):
    place(folder, "en_US-a-medium")
    text = "One. Two. Three."
    together = len(pcm(context, "en_US-a-medium", text=text, sentence_silence_ms=0))
    parted = len(pcm(context, "en_US-a-medium", text=text, sentence_silence_ms=500))
    assert parted - together == 2 * 22_050  # two pauses of half a second of 16-bit samples


def test_double_brackets_are_no_phonemes(folder, context):
    place(folder, "en_US-a-medium")
    assert pcm(context, "en_US-a-medium", text="[[hello there]]") == pcm(context, "en_US-a-medium", text="[hello there]")


def test_a_voice_dropped_in_while_it_runs_is_spoken_with(folder, context):
    place(folder, "en_US-a-medium")
    engine = PiperEngine(PiperOptions(), context)
    place(folder, "de_DE-b-medium")
    assert list(engine.synthesize(TtsRequest(TEXT, "de_DE-b-medium")))
    engine.close()


def test_no_more_voices_stay_in_memory_than_allowed(folder):
    place(folder, "en_US-a-medium", "en_US-b-medium", "en_US-c-medium")
    first, second, third = find([folder]).values()
    loaded = LoadedVoices(PiperOptions(voices_in_memory=2))
    one, two = loaded.get(first), loaded.get(second)
    assert loaded.get(first) is one
    loaded.get(third)
    assert loaded.get(first) is one
    assert loaded.get(second) is not two


def test_a_voice_that_many_want_at_once_is_loaded_once(folder):
    place(folder, "en_US-a-medium")
    (file,) = find([folder]).values()
    loaded = LoadedVoices(PiperOptions())
    barrier = threading.Barrier(4)

    def want(_: int) -> int:
        barrier.wait(5)
        return id(loaded.get(file))

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(want, range(4)))) == 1


def test_pipers_espeak_and_ours_live_in_one_process(folder, context):
    make_piper_voice(folder / "de_DE-a-medium.onnx", language="de_DE", espeak="de")
    engine = PiperEngine(PiperOptions(), context)
    english, identifier = "wˈiːk", next(voice.identifier for voice in espeak().voices() if voice.languages[0][0] == "en-us")

    def piper(_: int) -> int:
        return sum(len(block.pcm) for block in engine.synthesize(TtsRequest("Eine Woche im Garten.", "de_DE-a-medium")))

    with ThreadPoolExecutor(4) as pool:
        lengths = pool.map(piper, range(20))
        said = list(pool.map(lambda _: espeak().phonemes("week", identifier), range(20)))
        assert len(set(lengths)) == 1
    assert set(said) == {english}
    engine.close()


def test_a_chinese_voice_without_its_resources_downloads_nothing(folder, context):
    make_piper_voice(folder / "zh_CN-a-medium.onnx", language="zh_CN", phoneme_type="pinyin")
    with pytest.raises(EngineError, match="needs the folder g2pW"):
        PiperEngine(PiperOptions(), context)


def test_cuda_that_is_not_there_says_what_brings_it(folder, context):
    place(folder, "en_US-a-medium")
    with pytest.raises(EngineError, match="onnxruntime-gpu"):
        PiperEngine(PiperOptions(device="cuda"), context)


class _FetchingStore(ModelStore):
    """Has every voice that is asked for, once the gate is open."""

    def __init__(self, folder: Path) -> None:
        super().__init__(ModelsSection(folder=str(folder)))
        self.gate = threading.Event()
        self.gate.set()

    def locate(self, engine: str, name: str) -> Path | None:
        return self.installed(engine).get(name)

    def ensure(self, engine: str, name: str) -> Path:
        assert self.gate.wait(5)
        make_piper_voice(self.folders[0] / engine / name / f"{name}.onnx", language=name.partition("-")[0])
        return self.folders[0] / engine / name


def test_a_configured_voice_that_is_yet_to_be_fetched_is_offered_as_such(tmp_path):
    context = EngineContext(store=_FetchingStore(tmp_path))
    (model,) = PiperEngine.models(PiperOptions(voice="en_US-far-medium"), context)
    assert (model.name, model.installed, model.languages) == ("en_US-far-medium", False, ("en-US", "en"))
    assert pcm(context, "en_US-far-medium", voice="en_US-far-medium")
    assert PiperEngine.models(PiperOptions(voice="en_US-far-medium"), context)[0].installed


def test_the_default_speaks_while_another_voice_is_being_fetched(tmp_path):
    store = _FetchingStore(tmp_path)
    place(tmp_path / "piper", "en_US-a-medium")
    store.gate.clear()
    engine = PiperEngine(PiperOptions(voices={"de": "de_DE-far-medium"}), EngineContext(store=store))
    assert list(engine.synthesize(TtsRequest(TEXT, "en_US-a-medium")))
    with pytest.raises(BusyError, match="de_DE-far-medium is still being fetched"):
        list(engine.synthesize(TtsRequest(TEXT, "de_DE-far-medium")))
    store.gate.set()
    engine.close()
    assert list(engine.synthesize(TtsRequest(TEXT, "de_DE-far-medium")))
