"""What the benchmark says of a load: whose doing a slow turn was, and how sound is shared between its processes."""

import numpy as np
import pytest
from turn.load import Load, LoadTurn
from turn.real_targets import load_rows, overhead_rows
from turn.real_time import RealTime
from turn.tape import KEPT_S, Ring, Rooms

from wyoming_servers.shared.audio import RATE_HZ

QUIET = {"cores": 0.1, "waited": 0.0, "late_s": 0.001}


def load(*lost_ms: float | None, satellites: int = 10, unspoken: int = 0, **efforts: dict[str, float]) -> Load:
    """Ten seconds of turns of 4 s."""
    turns = [LoadTurn(None if lost is None else lost / 1000, 4.0) for lost in lost_ms]
    return Load(satellites, turns, dict.fromkeys(("satellites", "engines", "rooms"), QUIET) | efforts, 10.0, 5.0, unspoken)


@pytest.mark.parametrize(
    ("measured", "met"),
    [
        (load(3.0, 24.0), True),
        (load(3.0, 26.0), False),
        (load(3.0, None), False),
        (load(3.0, 26.0, engines=QUIET | {"cores": 0.95}), None),
        (load(3.0, 26.0, satellites=10, rooms=QUIET | {"waited": 0.2}), None),
        (load(3.0, 26.0, unspoken=1), None),
        (load(3.0, 24.0, rooms=QUIET | {"waited": 0.2}), True),
    ],
)
def test_a_slow_turn_is_held_against_the_satellites_only_where_it_was_their_doing(measured: Load, met: bool | None) -> None:
    assert load_rows([measured])[0].met is met


@pytest.mark.parametrize(("late_s", "waited", "met"), [(0.004, 0.2, True), (0.006, 0.0, False), (0.006, 0.2, None)])
def test_a_late_loop_is_nobodys_fault_where_there_was_no_processor(late_s: float, waited: float, met: bool | None) -> None:
    assert overhead_rows(RealTime(lags_s=[late_s], waited=waited))[-1].met is met


def test_why_nothing_was_measured_is_said() -> None:
    (row, _) = load_rows([load(90.0, satellites=10, engines=QUIET | {"cores": 0.95})])
    assert "the stand-in engines had no processor left (0.95 cores)" in row.why


def test_turns_at_once_are_counted_for_the_processor_time_of_the_satellites() -> None:
    assert load_rows([load(1.0, 2.0, 3.0)])[1].figure == "12"  # 12 s of turns in 10 s, by a tenth of a core


def test_turns_at_once_are_not_counted_where_too_many_came_to_nothing() -> None:
    rows = load_rows([load(1.0, 2.0, 3.0), load(1.0, 2.0, None, satellites=50)])
    assert rows[2].name.endswith("10 satellites (G20)")


def test_what_was_in_the_way_is_not_mentioned_where_it_did_no_harm() -> None:
    assert "not measured" not in load_rows([load(3.0, rooms=QUIET | {"waited": 0.2})])[0].why


def test_the_knee_is_between_the_last_that_was_carried_and_the_first_that_was_not() -> None:
    rows = load_rows([load(1.0, satellites=50), load(40.0, satellites=200)])
    assert (rows[-1].figure, rows[-1].met) == ("50 and not 200", True)


def test_where_others_were_in_the_way_no_knee_is_found() -> None:
    rows = load_rows([load(1.0), load(40.0, satellites=50, rooms=QUIET | {"waited": 0.2})])
    assert (rows[-1].figure, rows[-1].met) == ("10", None)


def test_sound_that_goes_past_the_end_of_a_ring_goes_on_at_its_beginning() -> None:
    ring = Ring(np.zeros(10, np.int16))
    ring.write(107, np.arange(1, 7, dtype=np.int16))
    assert ring.read(107, 6).tolist() == [1, 2, 3, 4, 5, 6]


def test_what_one_process_says_in_a_room_another_one_hears(tmp_path) -> None:
    ours = Rooms(tmp_path, 3, made=True)
    theirs = Rooms(tmp_path, 3)
    ours.microphone(1).write(KEPT_S * RATE_HZ - 2, np.array([7, 8, 9], np.int16))
    assert theirs.microphone(1).read(KEPT_S * RATE_HZ - 2, 3).tolist() == [7, 8, 9]


def test_after_a_turn_a_room_is_as_quiet_as_before(tmp_path) -> None:
    rooms = Rooms(tmp_path, 1, made=True)
    before = rooms.microphone(0).read(0, 1000)
    rooms.microphone(0).write(0, np.full(1000, 3000, np.int16))
    rooms.hush(0, 0, 1000)
    assert np.array_equal(rooms.microphone(0).read(0, 1000), before)
