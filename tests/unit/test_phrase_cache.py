"""Phrases on disk: bounds, order, damage, and two processes at once."""

import multiprocessing
import os

import pytest

from wyoming_servers.shared.engines import EngineContext, EngineSpec
from wyoming_servers.shared.models import ModelStore
from wyoming_servers.shared.settings import ModelsSection
from wyoming_servers.shared.tasks import TaskOwner
from wyoming_servers.tts.engine import AudioBlock
from wyoming_servers.tts.known_phrases import KnownPhrases, version_of
from wyoming_servers.tts.phrase_cache import PhraseCache, hashed

SOUND = AudioBlock(b"ab" * 500, 22_050)  # 1016 bytes on disk


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "phrases"


def test_what_was_put_is_got(folder):
    cache = PhraseCache(folder, 10_000)
    assert cache.put("a", SOUND)
    assert cache.get("a") == SOUND
    assert cache.has("a")
    assert cache.get("b") is None


def test_another_process_finds_it(folder):
    PhraseCache(folder, 10_000).put("a", SOUND)
    assert PhraseCache(folder, 10_000).get("a") == SOUND


def test_its_size_is_bounded(folder):
    cache = PhraseCache(folder, 10_000)
    for number in range(50):
        cache.put(str(number), SOUND)
        assert sum(path.stat().st_size for path in folder.iterdir()) <= 10_000
    assert cache.get("49") == SOUND


def test_what_was_not_used_for_longest_goes_first(folder):
    cache = PhraseCache(folder, 10_000)
    for number in range(9):
        cache.put(str(number), SOUND)
        os.utime(folder / f"{number}.phrase", (number + 1, number + 1))
    cache.get("0")
    cache.put("new", SOUND)
    assert cache.has("0")
    assert not cache.has("1")


@pytest.mark.parametrize("block", [AudioBlock(b"", 22_050), AudioBlock(b"ab" * 6000, 22_050)])
def test_what_is_empty_or_too_large_is_not_kept(folder, block):
    assert not PhraseCache(folder, 10_000).put("a", block)


def test_room_is_what_others_have_left(folder):
    PhraseCache(folder, 10_000).put("a", SOUND)
    assert PhraseCache(folder, 10_000).room_bytes() == 10_000 - 1016


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:10],
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: b"EAR9" + content[4:],
        lambda content: content[:500] + bytes([content[500] ^ 1]) + content[501:],
        lambda content: content[:4] + b"\1\0\0\0" + content[8:],
        lambda content: b"",
    ],
)
def test_a_damaged_phrase_is_dropped(folder, damage):
    cache = PhraseCache(folder, 10_000)
    cache.put("a", SOUND)
    path = folder / "a.phrase"
    path.write_bytes(damage(path.read_bytes()))
    assert cache.get("a") is None
    assert not path.exists()


def test_what_a_crash_left_behind_is_removed(folder):
    folder.mkdir()
    (folder / ".a.phrase.1.2.new").write_bytes(b"half")
    os.utime(folder / ".a.phrase.1.2.new", (1, 1))
    PhraseCache(folder, 10_000).put("b", SOUND)
    assert [path.name for path in folder.iterdir()] == ["b.phrase"]


def test_a_folder_that_vanishes_is_made_again(folder):
    cache = PhraseCache(folder, 10_000)
    cache.put("a", SOUND)
    (folder / "a.phrase").unlink()
    folder.rmdir()
    assert cache.get("a") is None
    assert cache.put("a", SOUND)


def test_a_disk_that_cannot_be_written_is_reported_once(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    cache = PhraseCache(tmp_path / "file" / "phrases", 10_000)
    assert not cache.put("a", SOUND)
    assert not cache.put("b", SOUND)
    assert cache.get("a") is None
    assert cache.room_bytes() == 10_000
    assert len(caplog.records) == 1


def _hammer(folder, seed: int, wrong) -> None:
    cache = PhraseCache(folder, 10_000)
    for number in range(150):
        name = (number * 7 + seed) % 23
        block = AudioBlock(bytes([name, name]) * 500, 16_000)
        cache.put(str(name), block)
        other = (number * 5 + seed) % 23
        if (found := cache.get(str(other))) is not None and found.pcm != bytes([other, other]) * 500:
            wrong.set()


def test_two_processes_share_a_folder(folder):
    spawn = multiprocessing.get_context("spawn")
    wrong = spawn.Event()
    processes = [spawn.Process(target=_hammer, args=(folder, seed, wrong)) for seed in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(10)
    assert [process.exitcode for process in processes] == [0, 0]
    assert not wrong.is_set()
    assert PhraseCache(folder, 10_000).put("last", SOUND)
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 10_000


def test_a_hash_depends_on_every_part_and_on_where_it_ends():
    assert len({hashed("a", "b"), hashed("ab", ""), hashed("b", "a"), hashed("a", "b", None)}) == 4


@pytest.fixture
async def known(folder):
    owner = TaskOwner()
    yield KnownPhrases(PhraseCache(folder, 1_000_000), owner)
    await owner.close()


async def test_without_a_version_nothing_is_known(known):
    assert known.key("hello", "anna", None, None) is None
    known.set_version("1")
    assert known.key("hello", "anna", None, None)


@pytest.mark.parametrize(
    "other", [("hi", "anna", "1", None), ("hello", "bert", "1", None), ("hello", "anna", "2", None), ("hello", "anna", "1", "x")]
)
async def test_every_part_of_a_phrase_counts(known, other):
    known.set_version("1")
    assert known.key("hello", "anna", "1", None) != known.key(*other)


async def test_what_is_said_twice_is_said_again(known):
    assert [known.is_said_again(key) for key in ("a", "b", "a", "a")] == [False, False, True, True]


async def test_what_was_said_long_ago_is_forgotten(known):
    known.is_said_again("a")
    for number in range(1024):
        known.is_said_again(str(number))
    assert not known.is_said_again("a")


@pytest.mark.parametrize(
    "blocks",
    [
        [],
        [AudioBlock(b"ab", 16_000), AudioBlock(b"ab", 8_000)],
        [AudioBlock(b"abc", 16_000)],
        [AudioBlock(b"ab" * 16_000 * 31, 16_000)],
    ],
    ids=["nothing", "two rates", "half a sample", "too long"],
)
async def test_what_is_no_whole_phrase_is_not_kept(known, blocks):
    assert not await known.keep("a", blocks)
    assert await known.find("a") is None


def test_a_changed_model_or_setting_changes_the_version(tmp_path):
    spec = EngineSpec("toy", "wyoming_servers.tts.espeak:EspeakEngine", "a toy", needs=("voluptuous",))
    context = EngineContext(store=ModelStore(ModelsSection(folder=str(tmp_path))))
    (tmp_path / "toy" / "one").mkdir(parents=True)
    (tmp_path / "toy" / "one" / "model").write_text("1")
    before = version_of(spec, {"pace": 1}, context)
    assert version_of(spec, {"pace": 1}, context) == before
    assert version_of(spec, {"pace": 2}, context) != before
    (tmp_path / "toy" / "one" / "model").write_text("22")
    assert version_of(spec, {"pace": 1}, context) != before
