"""Recordings for the benchmark of endpoints: what their labels say, and what is said of wrong ones."""

import wave
from pathlib import Path

import pytest
from endpoint.judges import by_true_words
from endpoint.recordings import recordings
from endpoint.trials import heard, outcome
from speech import silence, speak

from wyoming_servers.shared.patience import Prosody, Prospect, wait_s

HEADING = "file,begin_s,end_s,words"
BEGUN, REST = speak("turn on the"), speak("kitchen light")


def folder(tmp_path: Path, *lines: str, heading: str = HEADING) -> Path:
    """Two recordings of a second, a.wav and b.wav, and these labels."""
    for name in ("a.wav", "b.wav"):
        write(tmp_path / name, silence(1.0))
    (tmp_path / "labels.csv").write_text("\n".join([heading, *lines]) + "\n", encoding="utf-8")
    return tmp_path


def write(path: Path, *pieces) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        for piece in pieces:
            file.writeframes(piece.tobytes())


def test_what_is_between_two_stretches_is_a_hesitation(tmp_path):
    (hesitant, sound), (whole, _) = recordings(
        folder(tmp_path, "a.wav,0.1,0.3,turn on the", "a.wav,0.8,0.9,kitchen light", "b.wav,0.1,0.9,yes")
    )
    assert (hesitant.place, hesitant.hesitation_s, whole.place) == (3, pytest.approx(0.5), 0)
    assert (hesitant.text, sound.end_s) == ("turn on the kitchen light", 0.9)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("a.wav,0.5,0.4,yes", "line 2: speech ends after it begins"),
        ("a.wav,zero,0.4,yes", "line 2: begin_s and end_s are seconds"),
        ("a.wav,0.1", "line 2: needs file, begin_s, end_s, words"),
        ("c.wav,0.1,0.4,yes", "there is no file"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, line, says):
    with pytest.raises(SystemExit, match=says):
        recordings(folder(tmp_path, line))


def test_a_folder_without_labels_says_what_belongs_there(tmp_path):
    with pytest.raises(SystemExit, match=HEADING):
        recordings(tmp_path)


@pytest.mark.parametrize(("prosody", "cut"), [(None, 0), (Prosody.FINAL, 1)])
def test_the_melody_decides_where_nobody_wrote_down_the_words(tmp_path, prosody, cut):
    gap_s = 0.55
    write(tmp_path / "talk.wav", silence(0.5), BEGUN, silence(gap_s), REST, silence(1.0))
    first, second = 0.5 + len(BEGUN) / 16_000, 0.5 + (len(BEGUN) + len(REST)) / 16_000 + gap_s
    lines = [f"talk.wav,0.5,{first:.3f},", f"talk.wav,{first + gap_s:.3f},{second:.3f},"]
    made = recordings(folder(tmp_path, *lines))[0]
    trial = heard(*made, by_true_words, lambda sound, second: prosody)
    waits = {None: 0.7, (None, Prosody.FINAL): wait_s(None, 1.0, Prosody.FINAL)}
    assert {pause.prospect for pause in trial.pauses} == {None}
    assert outcome([trial], waits | dict.fromkeys(Prospect, 9.0)).cut == cut
