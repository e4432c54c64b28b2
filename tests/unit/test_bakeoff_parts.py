"""A bake-off's parts: who takes part, what counts as the same, who wins."""

import json
import wave

import numpy as np
import pytest

from wyoming_servers.bakeoff import inputs, page, results
from wyoming_servers.bakeoff.candidates import Candidate, parse, parse_all
from wyoming_servers.bakeoff.trials import Entry, Trial, rank, word_errors
from wyoming_servers.bakeoff.wording import same, words
from wyoming_servers.shared.errors import SettingsError
from wyoming_servers.shared.ranking import keep_ranking, ranking


def entry(name: str, right: int = 10, wrong: int = 0, wait_ms: float = 100.0, memory_mb: float = 50.0) -> Entry:
    trials = [Trial("x", number < right, words=1, wait_ms=wait_ms, work_s=0.1, audio_s=1.0) for number in range(right + wrong)]
    return Entry(Candidate("asr", name, name), trials, [1.0], [memory_mb])


def outcome(*entries: Entry, floor: float = 0.9) -> results.Outcome:
    return results.Outcome("asr", "a machine", "today", 1, 10, floor, "last sound to transcript", entries)


def meaning(text: str) -> str | None:
    return "timer" if "timer" in text else None


def test_a_candidate_is_an_engine_with_its_options() -> None:
    assert parse("asr", "faster-whisper:model=base.en,threads=2") == Candidate(
        "asr", "faster-whisper:model=base.en,threads=2", "faster-whisper", (("model", "base.en"), ("threads", "2"))
    )


def test_a_candidate_is_a_wyoming_server() -> None:
    assert parse("asr", "my rival=tcp://10.0.0.2:10300") == Candidate("asr", "my rival", uri="tcp://10.0.0.2:10300")


def test_a_candidate_is_an_openai_compatible_server() -> None:
    found = parse("tts", "http://10.0.0.2:8880/v1#kokoro")
    assert (found.engine, found.options) == ("openai", (("uri", "http://10.0.0.2:8880/v1"), ("model", "kokoro")))


@pytest.mark.parametrize("text", ["", "ftp://host", "Faster Whisper", "phrases:trust"])
def test_what_is_no_candidate_says_what_is(text: str) -> None:
    with pytest.raises(SettingsError, match="OPTION=VALUE"):
        parse("asr", text)


def test_two_candidates_of_one_name_are_refused() -> None:
    with pytest.raises(SettingsError, match="LABEL=phrases"):
        parse_all("asr", ["phrases", "phrases"])


def test_the_winners_settings_are_settings() -> None:
    assert parse("asr", "phrases:trust=0.7").settings_lines() == "asr:\n  engine: phrases\n  engines:\n    phrases:\n      trust: 0.7"


@pytest.mark.parametrize(("said", "heard", "errors"), [("a b c", "a b c", 0), ("a b c", "a c", 1), ("a b", "a x y", 2), ("", "a", 1)])
def test_word_errors_are_counted(said: str, heard: str, errors: int) -> None:
    assert word_errors(said.split(), heard.split()) == errors


def test_numbers_are_the_same_as_figures_and_as_words() -> None:
    assert words("Set 25 timers, please!") == words("set twenty-five timers please")


@pytest.mark.parametrize(
    ("said", "heard", "right"),
    [
        ("set a timer", "the timer set", True),
        ("set a timer", "set it", False),
        ("good evening", "good heavens", True),
        ("good evening", "set a timer", False),
        ("", "", True),
        ("", "thank you", False),
    ],
)
def test_the_meaning_decides(said: str, heard: str, right: bool) -> None:
    assert same(said, heard, meaning) is right


def test_above_the_floor_the_faster_wins() -> None:
    assert [found.candidate.name for found in rank([entry("slow", wait_ms=300), entry("fast", 19, 1, 50)], 0.9)] == ["fast", "slow"]


def test_below_the_floor_the_more_accurate_wins() -> None:
    assert [found.candidate.name for found in rank([entry("fast", 5, 5, 50), entry("good", 8, 2, 300)], 0.9)] == ["good", "fast"]


def test_a_candidate_that_failed_is_told_and_not_ranked() -> None:
    broken = entry("broken")
    broken.failure = "no model"
    assert "broken: no model" in results.table(outcome(entry("well"), broken))


def test_nobody_reaching_the_floor_is_said() -> None:
    assert "nobody reaches 90%" in results.table(outcome(entry("poor", 5, 5)))


def test_the_page_shows_everyone_and_escapes_what_was_heard() -> None:
    shown = entry("well", 9, 1)
    shown.trials.append(Trial("x", False, "<script>"))
    made = page.page(outcome(shown), None)
    assert "well" in made and "&lt;script&gt;" in made and "<script>" not in made


def test_the_picture_is_a_png() -> None:
    pytest.importorskip("matplotlib")
    assert page.plot(outcome(entry("well"), entry("other"))).startswith(b"\x89PNG")


def test_the_json_has_every_trial() -> None:
    assert len(json.loads(results.as_json(outcome(entry("well", 3))))["entries"][0]["trials"]) == 3


def _wav(path, seconds=0.1) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(np.zeros(round(seconds * 16000), np.int16).tobytes())


def test_recordings_are_labelled_by_list_by_text_beside_and_by_name(tmp_path) -> None:
    for name in ("a.wav", "b.wav", "turn_it_on.wav", "noise kitchen.wav"):
        _wav(tmp_path / name)
    (tmp_path / "labels.csv").write_text("file,text\na.wav,what time is it\n")
    (tmp_path / "b.txt").write_text("stop\n")
    found = {utterance.name: utterance.text for utterance in inputs.recordings(tmp_path)}
    assert found == {"a.wav": "what time is it", "b.wav": "stop", "turn_it_on.wav": "turn it on", "noise kitchen.wav": ""}


def test_a_folder_without_recordings_is_said(tmp_path) -> None:
    with pytest.raises(SettingsError, match=r"holds no \.wav files"):
        inputs.recordings(tmp_path)


def test_sentences_come_one_per_line(tmp_path) -> None:
    (tmp_path / "sentences.txt").write_text("One.\n\nTwo.\n")
    assert inputs.sentences(tmp_path) == ["One.", "Two."]


def test_a_language_without_sentences_asks_for_recordings() -> None:
    with pytest.raises(SettingsError, match="--data"):
        inputs.spoken_commands("de")


def test_a_ranking_is_kept(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    keep_ranking("asr", ["b", "a"])
    assert ranking("asr") == ("b", "a")


def test_a_damaged_ranking_is_none(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    keep_ranking("asr", ["b"]).write_text("{")
    assert ranking("asr") == ()
