"""The chain of recognisers: who is asked, who is believed, and what happens when one fails, hangs or is slow."""

import logging
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from chain_fakes import TIMEOUT_S, Fake, FakeOptions, chain_class
from speech import silence, speak

from wyoming_servers.asr.chain import ChainEngine, ChainOptions
from wyoming_servers.asr.engine import AsrRequest, AsrStream, Transcription
from wyoming_servers.shared.engines import EngineContext
from wyoming_servers.shared.errors import (
    DeadlineError,
    EngineError,
    EngineUnavailableError,
    SettingsError,
    UnknownNameError,
    UnsupportedLanguageError,
)

QUICK_S = 0.1
"""How slow an engine may be where it is to be slow."""
Make = Callable[..., ChainEngine]


@pytest.fixture
def make() -> Iterator[Make]:
    """`make(*fakes, **options)` loads a chain of them, in this order."""
    made: list[tuple[ChainEngine, tuple[Fake, ...]]] = []

    def load(*fakes: Fake, context: EngineContext | None = None, **options: object) -> ChainEngine:
        names = tuple(fake.name for fake in fakes)
        engine = chain_class(*fakes)(ChainOptions(**{"engines": names, "slow_s": TIMEOUT_S, **options}), context or EngineContext())
        if not any(fake.hangs_at == "load" for fake in fakes):
            ended("asr-chain-load")
        made.append((engine, fakes))
        return engine

    yield load
    for engine, fakes in made:
        for fake in fakes:
            fake.gate.set()
        engine.close()


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return np.concatenate((silence(0.3), speak("what time is it")))


def hear(engine: ChainEngine, sound: np.ndarray, **request: object) -> Transcription:
    stream = engine.open(AsrRequest(**request))
    try:
        for first in range(0, len(sound), 4000):
            stream.feed(sound[first : first + 4000])
        return stream.finish()
    finally:
        stream.close()


def ended(thread: str) -> None:
    """Waits until every thread of this name has ended."""
    for each in threading.enumerate():
        if each.name == thread:
            each.join(TIMEOUT_S)


def test_a_sure_answer_is_taken_and_the_next_engine_not_asked(make, speech):
    first, second = Fake("first", text="what time is it"), Fake("second", text="nonsense")
    engine = make(first, second)
    assert hear(engine, speech).text == "what time is it"
    assert second.requests == []


def test_the_answer_says_who_gave_it_and_is_otherwise_untouched(make, speech):
    answer = hear(make(Fake("first", text="what time is it", confidence=0.8)), speech)
    assert answer == Transcription("what time is it", 0.8, "en", engine="first")


@pytest.mark.parametrize(("confidence", "who"), [(0.6, "first"), (0.59, "second"), (None, "first"), (0.0, "second")])
def test_the_next_engine_is_asked_when_one_is_unsure(make, speech, confidence, who):
    engine = make(Fake("first", text="a", confidence=confidence), Fake("second", text="b"), confidence=0.6)
    assert hear(engine, speech).engine == who


def test_the_next_engine_hears_everything_from_the_beginning(make, speech):
    second = Fake("second", text="b")
    engine = make(Fake("first", confidence=0.1), second)
    hear(engine, speech)
    assert np.array_equal(second.heard[0], speech)


def test_no_words_in_what_is_speech_goes_on_to_the_next(make, speech):
    engine = make(Fake("first", text="", confidence=None), Fake("second", text="tell me a story"))
    assert hear(engine, speech).text == "tell me a story"


@pytest.mark.parametrize("sound", ["silence", "noise", "nothing"])
def test_no_words_in_what_is_no_speech_is_the_answer(make, sound):
    second = Fake("second", text="thank you for watching")
    engine = make(Fake("first", text="", confidence=None), second)
    noise = np.random.default_rng(0).normal(0, 300, 32_000).astype(np.int16)
    heard = hear(engine, {"silence": silence(2), "noise": noise, "nothing": silence(0)}[sound])
    assert (heard.text, heard.engine, second.requests) == ("", "first", [])


def test_of_three_the_last_is_believed_however_unsure_it_is(make, speech):
    fakes = [Fake(name, text=name, confidence=confidence) for name, confidence in (("a", 0.5), ("b", 0.4), ("c", 0.1))]
    engine = make(*fakes)
    assert hear(engine, speech).engine == "c"


def test_when_the_better_engine_hears_no_words_there_are_none(make, speech):
    engine = make(Fake("first", text="stop", confidence=0.3), Fake("second", text=""))
    assert hear(engine, speech).text == ""


@pytest.mark.parametrize("stage", ["open", "feed", "finish"])
def test_an_engine_that_fails_is_replaced_by_the_next(make, speech, stage, caplog):
    engine = make(Fake("first", fails_at=stage), Fake("second", text="b"))
    assert hear(engine, speech).engine == "second"
    assert f"first failed: the scripted failure at {stage}" in caplog.text


def test_a_failure_that_comes_again_is_told_once(make, speech, caplog):
    engine = make(Fake("first", fails_at="finish"), Fake("second", text="b"))
    for _ in range(3):
        hear(engine, speech)
    assert [record.levelno for record in caplog.records if "first failed" in record.message].count(logging.WARNING) == 1


@pytest.mark.parametrize("stage", ["open", "feed", "finish"])
def test_an_engine_that_hangs_is_left_behind_for_the_next(make, speech, stage, caplog):
    engine = make(Fake("first", hangs_at=stage, cancels=False), Fake("second", text="b"), slow_s=QUICK_S)
    assert hear(engine, speech).engine == "second"
    assert "first has not kept up for 0.1 s" in caplog.text


def test_a_slow_engine_that_answers_before_the_next_one_is_heard(make, speech):
    first, second = Fake("first", text="a", hangs_at="finish"), Fake("second", text="b", hangs_at="finish")
    engine = make(first, second, slow_s=QUICK_S)
    stream = engine.open(AsrRequest())
    stream.feed(speech)
    answers: list[Transcription] = []
    waiting = threading.Thread(target=lambda: answers.append(stream.finish()))
    waiting.start()
    assert second.hanging.wait(TIMEOUT_S)
    first.gate.set()
    waiting.join(TIMEOUT_S)
    stream.close()
    assert [answer.engine for answer in answers] == ["first"]


def test_an_unsure_answer_is_better_than_none(make, speech):
    engine = make(Fake("first", text="stop", confidence=0.3), Fake("second", fails_at="finish"))
    assert hear(engine, speech).text == "stop"


def test_an_unsure_answer_is_taken_when_the_next_engine_does_not_answer_in_time(make, speech):
    engine = make(Fake("first", text="stop", confidence=0.3), Fake("second", hangs_at="finish"), give_up_s=1.0)
    assert hear(engine, speech).text == "stop"


def test_when_all_fail_the_error_says_how(make, speech):
    engine = make(Fake("first", fails_at="feed"), Fake("second", fails_at="finish"))
    with pytest.raises(EngineError, match="first: the scripted failure at feed; second: the scripted failure at finish"):
        hear(engine, speech)


def test_when_all_hang_it_ends_all_the_same(make, speech):
    with pytest.raises(DeadlineError, match="0.5 s"):
        hear(make(Fake("first", hangs_at="finish", cancels=False), give_up_s=0.5), speech)


def test_an_engine_whose_calls_do_not_end_is_not_asked_any_more_until_they_do(make, speech, caplog):
    first = Fake("first", text="a", hangs_at="finish", cancels=False)
    engine = make(first, Fake("second", text="b"), slow_s=QUICK_S)
    for _ in range(6):
        assert hear(engine, speech).engine == "second"
    assert len(first.requests) == 4
    assert "4 calls of first have not ended" in caplog.text
    first.gate.set()
    ended("asr-chain first")
    assert hear(engine, speech).engine == "first"


def test_whoever_lost_is_told_that_nobody_waits(make, speech):
    first = Fake("first", hangs_at="finish")
    engine = make(first, Fake("second", text="b"), slow_s=QUICK_S)
    hear(engine, speech)
    assert first.ended.wait(TIMEOUT_S)


def test_a_client_that_hangs_up_ends_the_waiting(make, speech):
    first = Fake("first", hangs_at="finish")
    stream = make(first).open(AsrRequest())
    stream.feed(speech)
    failures: list[Exception] = []
    waiting = threading.Thread(target=failing, args=(stream, failures))
    waiting.start()
    assert first.hanging.wait(TIMEOUT_S)
    stream.cancel()
    waiting.join(TIMEOUT_S)
    assert isinstance(failures[0], EngineError)
    assert first.ended.wait(TIMEOUT_S)
    stream.close()


def failing(stream: AsrStream, failures: list[Exception]) -> None:
    try:
        stream.finish()
    except EngineError as err:
        failures.append(err)


def test_one_after_the_other_the_later_engine_does_not_listen_along(make, speech):
    second = Fake("second", text="b")
    engine = make(Fake("first", text="a"), second)
    stream = engine.open(AsrRequest())
    stream.feed(speech)
    assert second.requests == []
    stream.close()


def test_in_parallel_all_listen_and_the_first_in_order_is_believed(make, speech):
    first, second = Fake("first", text="a", hangs_at="finish"), Fake("second", text="b")
    engine = make(first, second, parallel=True)
    stream = engine.open(AsrRequest())
    stream.feed(speech)
    first.gate.set()
    assert stream.finish().engine == "first"
    stream.close()
    assert len(second.requests) == 1


def test_the_hypothesis_is_that_of_the_engine_that_is_asked(make, speech):
    engine = make(Fake("first", believes="what time"), Fake("second", believes="not asked"))
    stream = engine.open(AsrRequest())
    assert [stream.feed(speech), stream.feed(speech)] == ["what time", None]
    stream.close()


def test_every_member_gets_the_language_by_its_own_name_and_the_bias(make, speech):
    first, second = Fake("first", languages=("en", "en-GB"), confidence=0.1), Fake("second", languages=("en_US",))
    engine = make(first, second)
    hear(engine, speech, language="en-GB", names=("Zoë",), terms=("sonata",))
    assert first.requests == [AsrRequest("en-GB", None, ("Zoë",), ("sonata",))]
    assert second.requests == [AsrRequest("en_US", None, ("Zoë",), ("sonata",))]


def test_an_engine_that_does_not_know_the_language_is_passed_over(make, speech):
    engine = make(Fake("first", text="what"), Fake("second", text="wie spät ist es", languages=("de",)))
    assert hear(engine, speech, language="de").engine == "second"


def test_a_language_that_nobody_knows_is_an_error(make):
    with pytest.raises(UnsupportedLanguageError, match="hears fr"):
        make(Fake("first")).open(AsrRequest("fr"))


def test_a_model_that_it_does_not_have_is_an_error_that_names_it(make):
    with pytest.raises(UnknownNameError, match="no model 'first-model'; there is: chain"):
        make(Fake("first")).open(AsrRequest(model="first-model"))


def test_the_model_is_named_after_who_is_asked_and_knows_all_their_languages():
    fakes = (Fake("first", languages=("en", "en-GB")), Fake("second", languages=("de", "en")))
    (model,) = chain_class(*fakes).models(ChainOptions(("first", "second")), EngineContext())
    assert (model.name, model.description, model.languages) == ("chain", "first, then second", ("en", "en-GB", "de"))
    assert model.author == "makers of first, makers of second"


def test_options_of_members_are_those_of_their_own_section(make):
    fake = Fake("first")
    make(fake, context=EngineContext(engines={"asr": {"first": {"volume": 7}}}))
    assert fake.options == [FakeOptions(7)]


def test_wrong_options_of_a_member_are_named():
    context = EngineContext(engines={"asr": {"first": {"volume": "loud"}}})
    with pytest.raises(SettingsError, match="asr.engines.first: volume"):
        chain_class(Fake("first")).models(ChainOptions(("first",)), context)


@pytest.mark.parametrize(
    ("names", "message"), [(("third",), "cannot ask 'third'; it can ask: first"), (("chain",), "cannot ask 'chain'"), ((), "is empty")]
)
def test_names_that_make_no_chain_are_an_error(names, message):
    with pytest.raises(EngineUnavailableError, match=message):
        chain_class(Fake("first"), Fake("chain")).models(ChainOptions(names), EngineContext())


def test_a_member_that_cannot_run_here_is_left_out_with_a_warning(make, speech, caplog):
    engine = make(Fake("first", needs=("no_such_library",), extra="first"), Fake("second", text="b"))
    assert hear(engine, speech).engine == "second"
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == [
        "chain: left out: first needs no_such_library: script/setup first"
    ]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_member_that_cannot_be_loaded_is_left_out_with_a_warning(make, speech, caplog, order):
    fakes = (Fake("first", fails_at="load"), Fake("second", text="b"))
    engine = make(*(fakes[number] for number in order))
    assert hear(engine, speech).engine == "second"
    engine.close()
    assert fakes[1].closed.is_set()


@pytest.mark.parametrize("stage", ["models", "load"])
def test_when_no_member_can_run_the_error_says_why(make, stage):
    with pytest.raises(EngineError, match=f"the scripted failure at {stage}.*the scripted failure at {stage}"):
        make(Fake("first", fails_at=stage), Fake("second", fails_at=stage))


def test_a_member_that_is_on_this_machine_does_not_wait_for_one_that_has_to_be_downloaded(make, speech):
    first = Fake("first", text="a", installed=False, hangs_at="load")
    engine = make(first, Fake("second", text="b"))
    assert hear(engine, speech).engine == "second"
    first.gate.set()
    ended("asr-chain-load")
    assert hear(engine, speech).engine == "first"


def test_a_member_that_comes_too_late_is_closed(make):
    first = Fake("first", installed=False, hangs_at="load")
    engine = make(first, Fake("second"))
    assert first.hanging.wait(TIMEOUT_S)
    engine.close()
    first.gate.set()
    assert first.closed.wait(TIMEOUT_S)


def test_closing_frees_every_member(make, speech):
    fakes = (Fake("first", text="a"), Fake("second"))
    engine = make(*fakes)
    hear(engine, speech)
    engine.close()
    assert all(fake.closed.is_set() for fake in fakes)


def test_many_utterances_at_once_get_each_its_own_answer(make, speech):
    engine = make(Fake("first", confidence=0.1), Fake("second", text="b"))
    answers: list[str] = []
    threads = [threading.Thread(target=lambda: answers.append(hear(engine, speech).engine)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert answers == ["second"] * 8
