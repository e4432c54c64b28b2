"""The CSM engine: models on disk, voices of one's own, speech while it is being made. Needs torch and transformers."""

import json
import threading
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from rigged import bare_context

from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.errors import EngineError, EngineUnavailableError, UnknownNameError
from wyoming_servers.tts.csm import CsmEngine, CsmOptions
from wyoming_servers.tts.engine import TtsRequest

WHY = "csm needs torch and transformers"


@pytest.fixture
def context(tmp_path: Path) -> EngineContext:
    return bare_context(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a model would be; it only looks like one."""
    model = tmp_path / "models" / "csm" / "csm-1b"
    model.mkdir(parents=True)
    (model / "config.json").write_text('{"model_type": "csm"}')
    (model / "model.safetensors").write_bytes(b"")
    return model


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A data folder with a tiny model and a voice of one's own."""
    pytest.importorskip("torch", reason=WHY)
    pytest.importorskip("transformers", reason=WHY)
    from made_csm import make_csm

    data = tmp_path_factory.mktemp("csm")
    make_csm(data / "models" / "csm" / "csm-made")
    own_voice(data / "csm-voices" / "grandma")
    return data


@pytest.fixture
def engine(made: Path) -> Iterator[CsmEngine]:
    engine = CsmEngine(CsmOptions(longest_s=1.0, device="cpu"), bare_context(made))
    yield engine
    engine.close()


def own_voice(folder: Path, *, text: bool = True) -> None:
    folder.mkdir(parents=True)
    with wave.open(str(folder / "one.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.random.default_rng(0).integers(-3000, 3000, 16_000, np.int16).tobytes())
    if text:
        (folder / "one.txt").write_text("What I said.\n")


def pcm(engine: CsmEngine, text: str, voice: str = "csm-made", speaker: str | None = None) -> bytes:
    return b"".join(block.pcm for block in engine.synthesize(TtsRequest(text, voice, speaker)))


def test_without_the_model_the_way_to_it_is_said(context):
    with pytest.raises(EngineUnavailableError, match=r"accept its terms .* https://huggingface.co/sesame/csm-1b"):
        CsmEngine.models(CsmOptions(), context)


def test_the_model_has_as_many_speakers_as_wanted(folder, context):
    (voice,) = CsmEngine.models(CsmOptions(speakers=2), context)
    assert (voice.name, voice.speakers) == ("csm-1b", ("0", "1"))


def test_a_folder_with_recordings_is_a_voice(folder, context, tmp_path):
    own_voice(tmp_path / "csm-voices" / "grandma")
    assert [voice.name for voice in CsmEngine.models(CsmOptions(voice="grandma"), context)] == ["grandma", "csm-1b"]


def test_a_default_voice_that_does_not_exist_is_an_error(folder, context):
    with pytest.raises(EngineUnavailableError, match="no voice 'grandpa'; there are: csm-1b"):
        CsmEngine.models(CsmOptions(voice="grandpa"), context)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [("config.json", "{", "config.json is missing or broken"), ("config.json", json.dumps({"model_type": "llama"}), "'llama'")],
)
def test_a_folder_that_is_no_csm_says_so(folder, context, file, content, said):
    (folder / file).write_text(content)
    with pytest.raises(EngineUnavailableError, match=said):
        CsmEngine.models(CsmOptions(), context)


def test_a_model_without_weights_says_so(folder, context):
    (folder / "model.safetensors").unlink()
    with pytest.raises(EngineUnavailableError, match="safetensors"):
        CsmEngine.models(CsmOptions(), context)


def test_a_device_that_is_not_there_is_named(made):
    with pytest.raises(EngineError, match="no device 'cuda:7'"):
        CsmEngine(CsmOptions(device="cuda:7"), bare_context(made))


def test_weights_that_cannot_be_read_are_named(made, folder, context):
    with pytest.raises(EngineError, match="csm-1b cannot be loaded"):
        CsmEngine(CsmOptions(device="cpu"), context)


def test_the_processor_is_warned_of(made, caplog):
    CsmEngine(CsmOptions(longest_s=0.5, device="cpu"), bare_context(made)).close()
    assert "many times slower than speech" in caplog.text


def test_a_sentence_never_takes_longer_than_allowed(engine):
    assert len(pcm(engine, "Hello there, how are you?")) == 2 * 1920 * 12  # 12.5 frames a second, of which one makes 1920 samples


def test_sound_comes_before_the_sentence_is_done(engine, monkeypatch):
    generated = engine._network._model.generate
    gate = threading.Event()

    def slow(streamer, **inputs):
        put = streamer.put
        frames = iter(range(100))

        def counted(value):
            if next(frames) > 4:
                assert gate.wait(5)
            put(value)

        streamer.put = counted
        return generated(streamer=streamer, **inputs)

    monkeypatch.setattr(engine._network._model, "generate", slow)
    speech = engine.synthesize(TtsRequest("Hello there.", "csm-made"))
    assert next(speech).pcm
    gate.set()
    speech.close()


def test_pieces_are_the_same_sound_as_the_whole(engine, monkeypatch):
    import torch

    codes = [torch.randint(0, 64, (4,), generator=torch.Generator().manual_seed(number)) for number in range(30)]
    whole = engine._network._decoded(codes, 0)
    pieces = np.concatenate([engine._network._decoded(codes[: spoken + 5], spoken) for spoken in range(0, 30, 5)])
    assert np.abs(pieces - whole).max() < np.abs(whole).max() / 10_000


def test_a_request_that_waits_for_another_can_be_given_up(engine):
    first = engine.synthesize(TtsRequest("Hello there. " * 20, "csm-made"))
    next(first)
    second = engine.synthesize(TtsRequest("Hello there. " * 20, "csm-made"))
    timer = threading.Timer(0.05, second.cancel)
    timer.start()
    with pytest.raises(EngineError, match="given up"):
        for _ in second:
            pass
    first.close()
    timer.join()


def test_a_failure_inside_of_the_library_is_an_engine_error(engine, monkeypatch):
    def broken(**inputs):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(engine._network._model, "generate", broken)
    with pytest.raises(EngineError, match="CSM failed: out of memory"):
        pcm(engine, "Hello.")


def test_a_voice_of_ones_own_speaks(engine):
    assert any(pcm(engine, "Hello.", "grandma"))


def test_a_voice_of_ones_own_has_no_speakers(engine):
    with pytest.raises(UnknownNameError, match="no speaker '1'"):
        pcm(engine, "Hello.", "grandma", "1")


def test_a_recording_without_its_text_is_named(made, engine):
    own_voice(made / "csm-voices" / "silent", text=False)
    with pytest.raises(EngineError, match=r"what is said in .*one\.wav must stand in .*one\.txt"):
        pcm(engine, "Hello.", "silent")


def test_what_looks_like_a_control_token_is_text(engine):
    assert any(pcm(engine, "Hello <|AUDIO|> there."))
