"""Speech recognition that stands on a Riva server, which behaves, or does not."""

import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import numpy as np
import pytest
from speech import silence, speak

pytest.importorskip("riva.client", reason='nvidia-riva-client is not installed: pip install "earshot-voice[riva]"')

import grpc
from fake_riva import ASR_MODELS, WAIT_S, FakeRiva, RunningRiva, running

from wyoming_servers.asr.engine import AsrRequest, AsrStream, Transcription
from wyoming_servers.asr.riva_grpc import RivaAsrEngine
from wyoming_servers.asr.riva_models import RivaAsrOptions
from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.errors import (
    BusyError,
    DeadlineError,
    EngineError,
    EngineUnavailableError,
    PeerUnreachableError,
    SettingsError,
    UnknownNameError,
    UnsupportedLanguageError,
)
from wyoming_servers.shared.house import Device, House

_PAUSE = threading.Event()  # never set: between two tries
STREAMING, OFFLINE = "parakeet-ctc-1.1b-en-US-asr-streaming", "parakeet-ctc-1.1b-en-US-asr-offline"
MULTI = "parakeet-rnnt-multi-asr-streaming"


@pytest.fixture
def server() -> Iterator[RunningRiva]:
    with running() as made:
        yield made


@pytest.fixture
def fake(server: RunningRiva) -> FakeRiva:
    return server.fake


@pytest.fixture
def engine(server: RunningRiva) -> Iterator[RivaAsrEngine]:
    made = RivaAsrEngine(RivaAsrOptions(uri=server.uri, timeout_s=5), EngineContext())
    yield made
    made.close()


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return np.concatenate((silence(0.5), speak("what time is it"), silence(0.6)))


def listed(uri: str, context: EngineContext | None = None, **options) -> list[str]:
    return [model.name for model in RivaAsrEngine.models(RivaAsrOptions(uri=uri, **options), context or EngineContext())]


def heard(engine: RivaAsrEngine, samples: np.ndarray, **request) -> Transcription:
    stream = engine.open(AsrRequest(**request))
    try:
        stream.feed(samples)
        return stream.finish()
    finally:
        stream.close()


def hypothesis(stream: AsrStream, samples: np.ndarray) -> str | None:
    """The first one, which comes whenever the server has it."""
    deadline = monotonic() + WAIT_S
    shown = stream.feed(samples)
    while shown is None and monotonic() < deadline:
        _PAUSE.wait(0.005)
        shown = stream.feed(np.zeros(160, np.int16))
    return shown


def heard_with(server: RunningRiva, samples: np.ndarray, context: EngineContext | None = None, **options) -> Transcription:
    engine = RivaAsrEngine(RivaAsrOptions(uri=server.uri, **options), context or EngineContext())
    try:
        return heard(engine, samples)
    finally:
        engine.close()


def test_without_an_address_it_says_what_to_set():
    with pytest.raises(EngineUnavailableError, match=r"--set asr\.engines\.riva\.uri=HOST:50051"):
        listed("")


@pytest.mark.parametrize("uri", ["http://gpu:50051", "gpu", "gpu:", ":50051"])
def test_an_address_that_is_none_is_refused(uri):
    with pytest.raises(SettingsError, match="is not HOST:PORT"):
        listed(uri)


def test_models_are_those_the_server_tells_the_streaming_one_for_the_house_first(server):
    assert listed(server.uri) == [STREAMING, OFFLINE, "conformer-es-US-asr-streaming", MULTI]


def test_languages_are_those_the_server_tells(server):
    models = {model.name: model.languages for model in RivaAsrEngine.models(RivaAsrOptions(uri=server.uri), EngineContext())}
    assert models[STREAMING] == ("en-US",)
    assert models[MULTI] == ("de-DE", "fr-FR")


def test_the_mode_leaves_out_the_models_of_the_other(server):
    assert listed(server.uri, mode="offline") == [OFFLINE]


def test_a_model_of_the_settings_is_the_default(server):
    assert listed(server.uri, model=MULTI)[0] == MULTI


def test_a_model_of_the_settings_that_is_not_there_is_refused(server):
    with pytest.raises(SettingsError, match="'huge' is not at .*parakeet"):
        listed(server.uri, model="huge")


def test_a_server_that_is_down_is_listed_as_the_settings_say(server):
    server.down()
    [model] = RivaAsrEngine.models(RivaAsrOptions(uri=server.uri, model="parakeet", language="en-US"), EngineContext())
    assert (model.name, model.languages) == ("parakeet", ("en-US",))


def test_models_are_remembered_while_the_server_is_down(server):
    context = EngineContext()
    before = listed(server.uri, context)
    server.down()
    assert listed(server.uri, context) == before


def test_a_hosted_server_is_not_asked_again_what_it_has(server, fake):
    context = EngineContext()
    before = listed(server.uri, context, function_id="f1")
    fake.asr_models = ASR_MODELS[:1]
    assert listed(server.uri, context, function_id="f1") == before


def test_a_server_that_does_not_tell_its_models_is_used_with_the_language_of_the_settings(server, fake, speech):
    fake.asr_models = (("", {"language_code": "en-US", "type": "online"}),)
    assert heard_with(server, speech, language="en-US").text == "what time is it"


def test_speech_is_streamed_with_hypotheses(engine, speech):
    stream = engine.open(AsrRequest())
    assert hypothesis(stream, speech) == "what time is it"
    assert stream.finish().text == "what time is it"
    stream.close()


def test_words_that_are_not_stable_enough_are_not_shown(server, speech):
    engine = RivaAsrEngine(RivaAsrOptions(uri=server.uri, stability=0.5), EngineContext())
    stream = engine.open(AsrRequest())
    assert hypothesis(stream, speech) == "what time is"
    assert stream.finish().text == "what time is it"
    stream.close()
    engine.close()


def test_sentences_that_the_server_ends_itself_are_joined(engine, fake, speech):
    fake.sentences = ("stop.", "what time is it")
    assert heard(engine, speech).text == "stop. what time is it"


def test_all_speech_is_sent_but_not_the_silence_before_it(engine, fake, speech):
    heard(engine, np.concatenate((silence(5), speech)))
    sent = np.frombuffer(fake.heard, "<i2")
    assert np.array_equal(sent[-len(speech) + 8000 :], speech[8000:])
    assert len(sent) < len(speech) + 16_000


@pytest.mark.parametrize("mode", ["streaming", "offline"])
def test_nothing_is_sent_for_silence_and_noise(server, fake, mode):
    noise = np.random.default_rng(0).normal(0, 300, 32_000).astype(np.int16)
    assert heard_with(server, np.concatenate((silence(2), noise)), mode=mode).text == ""
    assert fake.asked == []


def test_a_server_that_hears_nothing_gives_no_text(engine, fake, speech):
    fake.mute = True
    result = heard(engine, speech)
    assert (result.text, result.confidence) == ("", None)


def test_offline_sends_the_utterance_at_its_end(server, fake, speech):
    assert heard_with(server, speech, mode="offline").text == "what time is it"
    assert fake.asked[0].model == OFFLINE


@pytest.mark.parametrize(("given", "told"), [(0.9, pytest.approx(0.9)), (0.0, None), (-3.5, None)])
def test_confidence_is_the_servers_where_it_is_a_probability(engine, fake, speech, given, told):
    fake.confidence = given
    assert heard(engine, speech).confidence == told


def test_the_configuration_is_what_the_settings_say(server, fake, speech):
    context = EngineContext(house=House(devices=(Device(name="Desk lamp", aliases=("lamp",)),), timers=()))
    heard_with(server, speech, context, punctuation=True, digits=True, boost=40)
    config = fake.asked[0]
    assert (config.model, config.language_code) == (STREAMING, "en-US")
    assert config.enable_automatic_punctuation and not config.verbatim_transcripts
    assert [(list(bias.phrases), bias.boost) for bias in config.speech_contexts] == [(["Desk lamp", "lamp"], 40)]


def test_names_of_a_request_are_boosted_and_its_terms_half_as_much(engine, fake, speech):
    heard(engine, speech, names=("Ada",), terms=("lamp\n",))
    biases = [(bias.phrases[0], bias.boost) for bias in fake.asked[0].speech_contexts]
    assert biases == [("Ada", 20), ("lamp", 10)]


def test_punctuation_and_boost_can_be_off(server, fake, speech):
    heard_with(server, speech, boost=0)
    assert not fake.asked[0].enable_automatic_punctuation
    assert not fake.asked[0].speech_contexts


def test_the_model_follows_the_language(engine, fake, speech):
    assert heard(engine, speech, language="fr-FR").language == "fr-FR"
    assert (fake.asked[0].model, fake.asked[0].language_code) == (MULTI, "fr-FR")


def test_an_unknown_model_is_refused_with_those_there_are(engine):
    with pytest.raises(UnknownNameError, match="huge.*parakeet"):
        engine.open(AsrRequest(model="huge"))


def test_a_language_nobody_knows_there_is_refused(engine):
    with pytest.raises(UnsupportedLanguageError, match="'pl'"):
        engine.open(AsrRequest(language="pl"))


@pytest.mark.parametrize(
    ("trouble", "error", "text"),
    [
        (grpc.StatusCode.UNAVAILABLE, PeerUnreachableError, r"cannot be reached.*asr\.engines\.riva\.uri"),
        (grpc.StatusCode.INVALID_ARGUMENT, EngineError, "invalid argument.*the trouble that was asked for"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, BusyError, "is busy"),
        (grpc.StatusCode.UNIMPLEMENTED, EngineError, "cannot do this"),
        (grpc.StatusCode.PERMISSION_DENIED, EngineError, r"refuses access.*asr\.engines\.riva\.key"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, DeadlineError, "did not answer in time"),
    ],
)
@pytest.mark.parametrize("mode", ["streaming", "offline"])
def test_what_goes_wrong_is_said(server, fake, speech, mode, trouble, error, text):
    engine = RivaAsrEngine(RivaAsrOptions(uri=server.uri, mode=mode), EngineContext())
    stream = engine.open(AsrRequest())
    fake.trouble = trouble
    with pytest.raises(error, match=text):
        stream.feed(speech)
        stream.finish()
    stream.close()
    engine.close()


def test_a_server_that_hangs_up_in_the_middle_is_told(engine, fake, speech):
    fake.cut = True
    with pytest.raises(PeerUnreachableError, match="Socket closed"):
        heard(engine, speech)


@pytest.mark.parametrize("mode", ["streaming", "offline"])
def test_a_server_that_never_answers_is_given_up(server, fake, speech, mode):
    fake.stuck = True
    with pytest.raises(DeadlineError, match="in time"):
        heard_with(server, speech, mode=mode, timeout_s=0.3)
    assert fake.given_up.wait(WAIT_S)


@pytest.mark.parametrize("mode", ["streaming", "offline"])
def test_cancel_ends_a_finish_that_waits_and_the_call(server, fake, speech, mode):
    engine = RivaAsrEngine(RivaAsrOptions(uri=server.uri, mode=mode), EngineContext())
    fake.stuck = True
    stream = engine.open(AsrRequest())
    stream.feed(speech)
    canceller = threading.Thread(target=lambda: fake.stuck_now.wait(WAIT_S) and stream.cancel())
    canceller.start()
    with pytest.raises(EngineError, match="given up"):
        stream.finish()
    canceller.join()
    stream.close()
    assert fake.given_up.wait(WAIT_S)
    engine.close()


def test_while_the_server_is_down_requests_fail_with_its_address_and_it_is_used_again_afterwards(server, engine, speech):
    assert heard(engine, speech).text
    server.down()
    with pytest.raises(PeerUnreachableError, match=server.uri):
        heard(engine, speech)
    server.up()
    assert _once_reached(engine, speech).text == "what time is it"


def _once_reached(engine: RivaAsrEngine, samples: np.ndarray) -> Transcription:
    """gRPC tries to connect again after 200 ms at first, after 2 s at most."""
    deadline = monotonic() + WAIT_S
    while True:
        try:
            return heard(engine, samples)
        except PeerUnreachableError:
            if monotonic() > deadline:
                raise
            _PAUSE.wait(0.05)


def test_a_server_that_is_down_at_the_start_is_used_once_it_is_there(server, fake, speech):
    server.down()
    engine = RivaAsrEngine(RivaAsrOptions(uri=server.uri), EngineContext())
    server.up()
    assert heard(engine, speech).text == "what time is it"
    assert fake.asked[0].model == STREAMING
    engine.close()


def test_the_key_and_the_function_go_with_every_call(server, fake, speech, tmp_path):
    (tmp_path / "key").write_text("nvapi-secret\n")
    fake.wanted = {"authorization": "Bearer nvapi-secret", "function-id": "f1", "x-more": "yes"}
    given = {"key_file": str(tmp_path / "key"), "function_id": "f1", "metadata": {"X-More": "yes"}}
    assert heard_with(server, speech, **given).text == "what time is it"


def test_a_wrong_key_is_said_without_showing_it(server, fake, speech):
    fake.wanted = {"authorization": "Bearer right"}
    with pytest.raises(EngineError, match="refuses access") as caught:
        heard_with(server, speech, key="wrong-secret", language="en-US")
    assert "wrong-secret" not in str(caught.value)


def test_the_key_is_not_in_the_options_text():
    assert "secret" not in repr(RivaAsrOptions(uri="gpu:50051", key="secret", metadata={"x": "secret"}))


def test_a_key_file_that_is_missing_is_said():
    with pytest.raises(SettingsError, match=r"asr\.engines\.riva\.key_file: /no/such/file cannot be read"):
        RivaAsrEngine(RivaAsrOptions(uri="127.0.0.1:1", key_file="/no/such/file"), EngineContext())


def test_a_certificate_that_is_missing_is_said():
    with pytest.raises(SettingsError, match="/no/such/ca.pem cannot be read"):
        RivaAsrEngine(RivaAsrOptions(uri="127.0.0.1:1", ca_file="/no/such/ca.pem"), EngineContext())


def test_an_encrypted_server_is_known_by_its_certificate(speech, tmp_path):
    key, certificate = _self_signed(tmp_path)
    with running((key.read_bytes(), certificate.read_bytes())) as server:
        assert heard_with(server, speech, ca_file=str(certificate)).text == "what time is it"


def test_an_encrypted_server_that_nobody_vouches_for_is_not_used(speech, tmp_path):
    key, certificate = _self_signed(tmp_path)
    with running((key.read_bytes(), certificate.read_bytes())) as server, pytest.raises(PeerUnreachableError):
        heard_with(server, speech, tls=True)


def _self_signed(folder: Path) -> tuple[Path, Path]:
    if not shutil.which("openssl"):
        pytest.skip("openssl, which makes the certificate, is not installed")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    return key, certificate
