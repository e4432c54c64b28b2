"""The wake word server over the wire: real sockets, the stock client, the real engine on speech of our own making."""

import asyncio
from pathlib import Path

import numpy as np
import pytest
from speech import silence
from wake_client import START, Client, busy, drop, error_of, names_until, say, spoken
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import Info
from wyoming.wake import Detect, Detection

from wyoming_servers.shared.client import describe
from wyoming_servers.shared.context import engine_context
from wyoming_servers.shared.settings import validate
from wyoming_servers.wake.server import WakeService, serve
from wyoming_servers.wake.words import models_dir

BUNDLED = ["hey_jarvis", "okay_nabu", "alexa", "hey_mycroft", "hey_rhasspy"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The owner's wake words."""
    path = tmp_path / "wake"
    path.mkdir()
    return path


@pytest.fixture
def settings(folder: Path):
    """Settings with the owner's folder."""

    def make(**options):
        section = {key: options.pop(key) for key in ("streams", "waiting") if key in options}
        return validate({"wake": {**section, "engines": {"openwakeword": {"folder": str(folder), **options}}}})

    return make


@pytest.fixture
async def wake(serving, settings):
    """The URI of a wake word server with its default settings."""
    async with serving(serve(settings())) as uri:
        yield uri


async def test_b24_info_lists_the_bundled_words_with_their_phrases(wake):
    program = (await describe(wake)).wake[0]
    assert [model.name for model in program.models] == BUNDLED
    assert [model.phrase for model in program.models] == [name.replace("_", " ") for name in BUNDLED]
    assert all(model.installed and model.languages == ["en"] and model.attribution.url for model in program.models)


async def test_b24_info_is_right_before_the_engine_is_loaded(settings):
    service = serve(settings())
    await service.prepare()
    assert [model.name for model in service.programs()[0].models] == BUNDLED


async def test_b27_a_word_dropped_into_the_folder_is_listed_and_heard(serving, settings, folder):
    config = settings()
    service = WakeService(config.wake, engine_context(config), look_every_s=0.05)
    async with serving(service) as uri:
        drop(folder, "computer_v2.tflite")
        await names_until(uri, lambda names: "computer_v2" in names)
        model = next(model for model in (await describe(uri)).wake[0].models if model.name == "computer_v2")
        assert (model.phrase, model.version) == ("computer", "2")
        async with Client(uri) as client:
            await client.write_event(Detect(names=["computer_v2"]).event())
            assert (await client.stream(spoken("hey jarvis"))).names == ["computer_v2"]


async def test_b27_a_word_taken_out_of_the_folder_is_gone(serving, settings, folder):
    path = drop(folder, "computer.tflite")
    config = settings()
    service = WakeService(config.wake, engine_context(config), look_every_s=0.05)
    async with serving(service) as uri:
        assert "computer" in await names_until(uri, lambda names: True)
        path.unlink()
        assert await names_until(uri, lambda names: "computer" not in names) == BUNDLED
        async with Client(uri) as client:
            await client.write_event(Detect(names=["computer"]).event())
            assert (await error_of(client)).code == "unknown-name"


async def test_b27_the_folder_is_looked_at_often_enough_by_default(serving, settings, folder):
    async with serving(serve(settings())) as uri:
        drop(folder, "computer.tflite")
        assert "computer" in await names_until(uri, lambda names: "computer" in names)


async def test_b27_a_broken_word_is_left_out_and_the_rest_works(serving, settings, folder):
    drop(folder, "broken.tflite", b"TFL3 not a model")
    drop(folder, "half.tflite", (models_dir() / "alexa.tflite").read_bytes()[:400_000])
    async with serving(serve(settings())) as uri, Client(uri) as client:
        assert [model.name for model in (await describe(uri)).wake[0].models] == BUNDLED
        assert (await client.stream(spoken("hey jarvis"))).names == ["hey_jarvis"]


async def test_e60_only_the_words_asked_for_are_heard(wake):
    async with Client(wake) as client:
        await client.write_event(Detect(names=["alexa"]).event())
        assert (await client.stream(spoken("hey jarvis", "alexa"))).names == ["alexa"]


async def test_e60_only_unknown_words_are_an_error_that_lists_the_known(wake):
    async with Client(wake) as client:
        await client.write_event(Detect(names=["hey_nobody"]).event())
        error = await error_of(client)
        assert error.code == "unknown-name"
        assert "hey_nobody" in error.text
        assert all(name in error.text for name in BUNDLED)


async def test_e60_an_unknown_word_beside_a_known_one_does_no_harm(wake):
    async with Client(wake) as client:
        await client.write_event(Detect(names=["hey_nobody", "hey_jarvis"]).event())
        assert (await client.stream(spoken("hey jarvis"))).names == ["hey_jarvis"]


async def test_e60_words_stay_chosen_for_the_next_stream(wake):
    async with Client(wake) as client:
        await client.write_event(Detect(names=["alexa"]).event())
        await client.stream(silence(0.1))
        assert (await client.stream(spoken("hey jarvis"))).missed


async def test_e60_names_that_are_not_texts_are_refused(wake):
    async with Client(wake) as client:
        await client.write_event(Event("detect", {"names": [1]}))
        assert (await error_of(client)).code == "invalid-request"


@pytest.mark.parametrize("detect", [None, Detect(names=None), Detect(names=[])], ids=["no detect", "null", "empty"])
async def test_e61_the_default_words_are_heard_when_none_is_named(wake, detect):
    async with Client(wake) as client:
        if detect:
            await client.write_event(detect.event())
        assert (await client.stream(spoken("hey jarvis", "alexa"))).names == ["hey_jarvis", "alexa"]


async def test_e61_the_default_words_are_those_of_the_settings(serving, settings):
    async with serving(serve(settings(words=["alexa"]))) as uri, Client(uri) as client:
        assert (await client.stream(spoken("hey jarvis", "alexa"))).names == ["alexa"]
        assert (await describe(uri)).wake[0].models[0].name == "alexa"


async def test_e62_detections_repeat_on_the_same_stream(wake):
    async with Client(wake) as client:
        assert (await client.stream(spoken("hey jarvis", "hey jarvis", "hey jarvis", gap_s=2.0))).names == ["hey_jarvis"] * 3


async def test_e62_a_word_is_reported_once_within_the_refractory_time(serving, settings):
    async with serving(serve(settings(refractory_s=30))) as uri, Client(uri) as client:
        assert (await client.stream(spoken("hey jarvis", "hey jarvis", gap_s=2.0))).names == ["hey_jarvis"]


async def test_e63_the_timestamp_is_where_the_word_ends_in_the_stream(wake):
    word = say("hey jarvis")
    async with Client(wake) as client:
        heard = await client.stream(np.concatenate((silence(3), word, silence(1))))
        begin_ms, end_ms = 3000, 3000 + len(word) / 16
        assert begin_ms + 300 < heard.detections[0].timestamp < end_ms + 500


async def test_e63_timestamps_rise_and_begin_anew_with_each_stream(wake):
    async with Client(wake) as client:
        first = await client.stream(spoken("hey jarvis", "alexa"))
        again = await client.stream(spoken("hey jarvis"))
        assert first.detections[0].timestamp < first.detections[1].timestamp
        assert again.detections[0].timestamp == first.detections[0].timestamp


async def test_e64_a_stream_without_a_wake_word_ends_with_not_detected(wake):
    async with Client(wake) as client:
        assert (await client.stream(spoken("turn on the kitchen lights"))).missed


async def test_e64_a_detected_stream_has_no_not_detected(wake):
    async with Client(wake) as client:
        assert not (await client.stream(spoken("hey jarvis"))).missed


async def test_e64_a_stop_without_audio_is_not_detected(wake):
    async with Client(wake) as client:
        assert (await client.stream(silence(0))).missed


async def test_e64_a_word_is_found_when_the_audio_is_nothing_but_the_word(wake):
    word = say("hey jarvis")
    loud = np.flatnonzero(np.abs(word) > 200)
    async with Client(wake) as client:
        heard = await client.stream(word[loud[0] : loud[-1]])
        assert heard.names == ["hey_jarvis"]
        assert heard.detections[0].timestamp <= (loud[-1] - loud[0]) / 16


async def test_e65_audio_faster_than_real_time_gives_every_detection(wake):
    """Four words three seconds apart are sent within milliseconds; a refractory time by the clock would swallow three."""
    audio = spoken("hey jarvis", "hey jarvis", "hey jarvis", "hey jarvis", gap_s=2.2)
    async with Client(wake) as client:
        heard = await client.stream(audio, chunk_samples=len(audio))
        assert heard.names == ["hey_jarvis"] * 4


async def test_e65_the_cut_of_the_chunks_makes_no_difference(wake):
    audio = spoken("hey jarvis", "alexa")
    async with Client(wake) as client:
        results = [(await client.stream(audio, chunk_samples=size)).detections for size in (160, 512, 999, 40_000)]
        assert results[0]
        assert all(result == results[0] for result in results)


async def test_a14_describe_is_answered_in_the_middle_of_a_stream(wake):
    async with Client(wake) as client:
        await client.write_event(START)
        await client.send(silence(0.5))
        await client.write_event(Event("describe"))
        assert Info.is_type((await client.next()).type)
        await client.send(say("hey jarvis"))
        await client.write_event(AudioStop().event())
        assert (await client.ended()).names == ["hey_jarvis"]


async def test_a15_describe_is_answered_on_a_second_connection_while_a_long_stream_is_worked_off(wake):
    async with Client(wake) as client:
        await client.write_event(START)
        await client.send(silence(60), chunk_samples=16_000)
        assert len((await describe(wake, timeout_s=0.2)).wake[0].models) == len(BUNDLED)


async def test_a20_a_client_that_hangs_up_gives_its_place_back(serving, settings):
    async with serving(serve(settings(streams=1, waiting=0))) as uri:
        clients = [Client(uri) for _ in range(32)]
        for client in clients:
            await client.connect()
            await client.write_event(START)
            await client.send(spoken("hey jarvis", gap_s=0.3))
            assert Detection.is_type((await client.next()).type)  # now it is certain that the stream is open
        assert await busy(uri)
        await clients[0].disconnect()
        async with asyncio.timeout(1):
            while await busy(uri):
                pass
        for client in clients[1:]:
            await client.disconnect()


async def test_a22_two_streams_on_one_connection_are_both_served(wake):
    async with Client(wake) as client:
        assert (await client.stream(spoken("hey jarvis"))).names == ["hey_jarvis"]
        assert (await client.stream(spoken("alexa"))).names == ["alexa"]


async def test_a22_a_new_audio_start_begins_a_new_stream(wake):
    audio = spoken("hey jarvis")
    async with Client(wake) as client:
        await client.write_event(START)
        await client.send(audio[: len(audio) // 2])
        assert (await client.stream(audio[len(audio) // 2 :])).missed


async def test_c45_twenty_four_streams_at_once_hear_their_own_word_only(wake):
    words = ["hey jarvis", "alexa", "turn on the kitchen lights"] * 8
    clients = [Client(wake) for _ in words]
    for client in clients:
        await client.connect()
        await client.write_event(START)
    await asyncio.gather(*(client.send(spoken(word, gap_s=0.5)) for client, word in zip(clients, words, strict=True)))
    for client in clients:
        await client.write_event(AudioStop().event())
    heard = await asyncio.gather(*(client.ended() for client in clients))
    for client in clients:
        await client.disconnect()
    assert [result.names for result in heard] == [["hey_jarvis"], ["alexa"], []] * 8


@pytest.mark.parametrize(("rate_hz", "width", "channels"), [(48_000, 4, 2), (44_100, 3, 1), (22_050, 2, 1), (16_000, 1, 1)])
async def test_c33_audio_of_another_format_is_heard(wake, rate_hz, width, channels):
    samples = spoken("hey jarvis").astype(np.float64) / 32768
    times = np.arange(int(len(samples) * rate_hz / 16_000)) * 16_000 / rate_hz
    samples = np.interp(times, np.arange(len(samples)), samples)
    if width == 1:
        pcm = np.uint8(np.clip(np.rint(samples * 128 + 128), 0, 255)).tobytes()
    else:
        wide = np.repeat((samples * 2**31).astype("<i4"), channels)
        pcm = wide.view(np.uint8).reshape(-1, 4)[:, 4 - width :].tobytes()
    async with Client(wake) as client:
        await client.write_event(AudioStart(rate_hz, width, channels).event())
        for start in range(0, len(pcm), 1000):
            await client.write_event(AudioChunk(rate_hz, width, channels, pcm[start : start + 1000]).event())
        await client.write_event(AudioStop().event())
        assert (await client.ended()).names == ["hey_jarvis"]


async def test_c33_an_impossible_format_is_refused(wake):
    async with Client(wake) as client:
        await client.write_event(AudioStart(16_000, 9, 1).event())
        assert (await error_of(client)).code == "invalid-request"


async def test_audio_without_an_audio_start_is_heard(wake):
    async with Client(wake) as client:
        await client.send(spoken("hey jarvis"))
        await client.write_event(AudioStop().event())
        assert (await client.ended()).names == ["hey_jarvis"]


async def thresholds(uri: str, changes: dict | None = None) -> Event:
    """The answer to a change of thresholds."""
    async with Client(uri) as client:
        await client.write_event(Event("earshot-thresholds", {"thresholds": changes} if changes is not None else {}))
        answer = await client.next()
        assert answer is not None
        return answer


async def test_thresholds_in_force_are_told(serving, settings):
    async with serving(serve(settings(thresholds={"alexa": 0.7}))) as uri:
        told = (await thresholds(uri)).data["thresholds"]
    assert told == dict.fromkeys(BUNDLED, 0.5) | {"alexa": 0.7}


async def test_a_changed_threshold_counts_in_a_stream_that_is_open(serving, settings, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    async with serving(serve(settings())) as uri, Client(uri) as client:
        await client.write_event(Detect(names=["hey_jarvis"]).event())
        await client.write_event(START)
        await client.send(silence(0.5))
        await thresholds(uri, {"hey_jarvis": 1})
        await client.send(spoken("hey jarvis"))
        await client.write_event(AudioStop().event())
        assert (await client.ended()).names == []


async def test_a_changed_threshold_outlives_the_server(serving, settings, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    async with serving(serve(settings())) as uri:
        await thresholds(uri, {"alexa": 0.9, "okay_nabu": 0.8})
        await thresholds(uri, {"okay_nabu": None})
    async with serving(serve(settings())) as uri:
        told = (await thresholds(uri)).data["thresholds"]
    assert (told["alexa"], told["okay_nabu"]) == (0.9, 0.5)


@pytest.mark.parametrize(
    ("changes", "code"), [({"alexa": 2}, "invalid-request"), ({"alexa": "loud"}, "invalid-request"), ({"nobody": 0.5}, "unknown-name")]
)
async def test_a_threshold_that_cannot_be_is_refused(wake, changes, code):
    answer = await thresholds(wake, changes)
    assert (answer.type, answer.data["code"]) == ("error", code)
