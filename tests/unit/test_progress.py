"""What a person is told of long work."""

import io
import logging

import pytest

from wyoming_servers.shared.progress import BarProgress, LineProgress, LogProgress, Progress, bar, duration, size


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_speed_is_that_of_the_last_seconds(clock):
    progress = Progress(clock)
    progress.begin("x", 10_000)
    for second in range(1, 21):
        clock.now_s = second
        progress.at(second * (100 if second <= 10 else 200))
    assert progress.bytes_per_s == pytest.approx(200)


def test_what_was_there_before_says_nothing_of_the_speed(clock):
    progress = Progress(clock)
    progress.begin("x", 10_000, 5_000)
    clock.now_s = 1
    progress.at(5_100)
    assert (progress.bytes_per_s, progress.left_s) == (100, 49)


def test_beginning_again_is_no_negative_speed(clock):
    progress = Progress(clock)
    progress.begin("x", 1000, 900)
    clock.now_s = 1
    progress.at(0)
    assert progress.bytes_per_s == 0


def test_nothing_is_said_about_the_time_left_before_it_is_known(clock):
    progress = Progress(clock)
    progress.begin("x", None)
    assert progress.text() == "0 B"


def test_the_text_has_bytes_speed_and_time_left(clock):
    progress = Progress(clock)
    progress.begin("x", 75_500_000)
    clock.now_s = 2
    progress.at(12_300_000)
    assert progress.text() == "12.3 MB of 75.5 MB, 6.2 MB/s, 0:10 left"


def test_a_log_gets_a_line_now_and_then(clock, caplog):
    caplog.set_level(logging.INFO)
    progress = LogProgress(logging.getLogger("test"), 30, clock)
    progress.begin("toy/x", 100)
    for second in range(1, 70):
        clock.now_s = second
        progress.at(second)
    assert [record.getMessage() for record in caplog.records] == [
        "downloading toy/x: 0 B of 100 B",
        "downloading toy/x: 30 B of 100 B, 1 B/s, 1:10 left",
        "downloading toy/x: 60 B of 100 B, 1 B/s, 0:40 left",
    ]


def test_a_pipe_gets_a_line_at_each_quarter(clock):
    stream = io.StringIO()
    progress = LineProgress(stream, 1000, clock)
    progress.begin("toy/x", 100)
    for done in range(0, 101, 5):
        progress.at(done)
    assert [line.split()[1] for line in stream.getvalue().splitlines()] == ["0", "25", "50", "75", "100"]


def test_a_pipe_gets_a_line_now_and_then_when_it_takes_long(clock):
    stream = io.StringIO()
    progress = LineProgress(stream, 10, clock)
    progress.begin("toy/x", None)
    for second in range(1, 26):
        clock.now_s = second
        progress.at(second)
    assert stream.getvalue() == "toy/x: 0 B\ntoy/x: 10 B, 1 B/s\ntoy/x: 20 B, 1 B/s\n"


def test_the_bar_is_drawn_over_itself_and_ends_with_a_line(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    stream = io.StringIO()
    progress = BarProgress(stream, 0.1, clock)
    progress.begin("x", 100)
    clock.now_s = 1
    progress.at(100)
    progress.end()
    assert stream.getvalue().split("\r\x1b[K")[-1] == "x [#############] 100%  100 B of 100 B, 100 B/s, 0:00 left\n"


def test_the_bar_is_drawn_ten_times_a_second_at_most(clock):
    stream = io.StringIO()
    progress = BarProgress(stream, 0.1, clock)
    progress.begin("x", 1000)
    for done in range(100):
        progress.at(done)
    assert stream.getvalue().count("\r") == 1


def test_a_note_stands_above_the_bar(clock):
    stream = io.StringIO()
    progress = BarProgress(stream, 0.1, clock)
    progress.begin("x", 100)
    progress.note("trying again")
    progress.at(1)
    assert "\r\x1b[Kx: trying again\n\r\x1b[Kx " in stream.getvalue()


@pytest.mark.parametrize("columns", [10, 20, 40, 80, 200])
@pytest.mark.parametrize("total", [None, 100])
def test_a_bar_fits_its_line(columns, total):
    assert len(bar("piper/en_US-lessac-medium", 50, total, "50 B of 100 B", columns)) <= columns


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 B"), (999, "999 B"), (4_885, "5 kB"), (63_201_294, "63.2 MB"), (3_087_284_237, "3.09 GB")]
)
def test_sizes_are_in_decimal_units(number, text):
    assert size(number) == text


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "0:00"), (75, "1:15"), (3723, "1:02:03")])
def test_durations(seconds, text):
    assert duration(seconds) == text
