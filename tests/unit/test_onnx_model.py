"""ONNX files that cannot be whole, and how many threads a network gets."""

import os
from pathlib import Path

import pytest
from made_voice import make_piper_voice

from wyoming_servers.shared.errors import EngineError, UnknownNameError
from wyoming_servers.shared.onnx_model import damage, named, session
from wyoming_servers.shared.processors import usable_cores


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return make_piper_voice(tmp_path / "a.onnx")


def machine(folder: Path, siblings: dict[int, str], quota: str = "") -> int:
    """Cores of a machine whose processors have these siblings."""
    for number in range(4096):
        if number in os.sched_getaffinity(0):
            core = folder / f"cpu{number}" / "topology"
            core.mkdir(parents=True)
            (core / "thread_siblings_list").write_text(siblings.get(number, str(number)) + "\n")
    (folder / "cpu.max").write_text(quota)
    return usable_cores(folder, folder / "cpu.max")


def test_a_whole_model_has_no_damage(model):
    assert damage(model) == ""


@pytest.mark.parametrize("kept", [0, 1, 10, 100, -1])
def test_a_part_of_a_model_is_damaged(model, kept):
    model.write_bytes(model.read_bytes()[:kept])
    assert damage(model)


@pytest.mark.parametrize(
    "content", [b"<html>", b'{"error": 404}', b"version https://git-lfs.github.com/spec/v1", bytes(1000), b"\xff" * 1000]
)
def test_what_is_no_model_is_damaged(model, content):
    model.write_bytes(content)
    assert damage(model)


def test_something_behind_the_model_is_damage(model):
    model.write_bytes(model.read_bytes() + b"\x00garbage")
    assert damage(model)


def test_a_file_that_is_gone_is_damaged(tmp_path):
    assert "cannot be read" in damage(tmp_path / "none.onnx")


def test_a_network_that_cannot_be_loaded_is_named(model):
    model.write_bytes(b"\x3a\x03abc")
    with pytest.raises(EngineError, match=r"a\.onnx cannot be loaded"):
        session(model)


def test_the_threads_asked_for_are_taken(model):
    assert session(model, threads=3).get_session_options().intra_op_num_threads == 3


def test_our_own_errors_keep_their_kind():
    with pytest.raises(UnknownNameError), named("something failed"):
        raise UnknownNameError("no voice")


def test_two_threads_of_one_core_count_once(tmp_path):
    everyone = "0-4095"
    assert machine(tmp_path, dict.fromkeys(range(4096), everyone)) == 1


def test_cores_of_their_own_count_each(tmp_path):
    assert machine(tmp_path, {}) == len(os.sched_getaffinity(0))


def test_a_container_may_use_no_more_than_its_quota(tmp_path):
    assert machine(tmp_path, {}, "50000 100000") == 1


def test_a_container_without_a_quota_may_use_all(tmp_path):
    assert machine(tmp_path, {}, "max 100000") == len(os.sched_getaffinity(0))


def test_a_machine_that_says_nothing_counts_its_processors(tmp_path):
    assert usable_cores(tmp_path / "none", tmp_path / "none") == len(os.sched_getaffinity(0))
