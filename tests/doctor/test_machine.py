"""Checks of the machine itself, against machines that are made up: folders like /proc and /sys."""

from pathlib import Path

import pytest

from wyoming_servers.doctor import clock, configuration, hardware, storage
from wyoming_servers.doctor.finding import State, Visit
from wyoming_servers.shared.settings import validate

GIGABYTE_KB = 1024 * 1024


def machine(root: Path, files: dict[str, str], settings: dict | None = None, programs: dict[str, str] | None = None, **more) -> Visit:
    """A machine with these files below its root, where these programs print these things."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)

    async def program(*words: str) -> str | None:
        return (programs or {}).get(words[0])

    return Visit(validate(settings or {}), root=root, program=program, **more)


def meminfo(total_kb: int, available_kb: int, swap_kb: int = 0, swap_free_kb: int = 0) -> str:
    return f"MemTotal: {total_kb} kB\nMemAvailable: {available_kb} kB\nSwapTotal: {swap_kb} kB\nSwapFree: {swap_free_kb} kB\n"


def states(found) -> list[State]:
    return [finding.state for finding in found]


@pytest.mark.parametrize(
    ("figures", "state"),
    [
        ((4 * GIGABYTE_KB, 3 * GIGABYTE_KB), State.OK),
        ((4 * GIGABYTE_KB, GIGABYTE_KB // 5), State.WARNING),
        ((4 * GIGABYTE_KB, GIGABYTE_KB, 2 * GIGABYTE_KB, GIGABYTE_KB // 4), State.WARNING),
        ((GIGABYTE_KB // 2, GIGABYTE_KB // 3), State.NOTE),
    ],
    ids=["enough", "scarce", "swapping", "small"],
)
def test_memory(tmp_path, figures, state):
    assert states(hardware.memory(machine(tmp_path, {"proc/meminfo": meminfo(*figures)}))) == [state]


def test_memory_figures_are_told(tmp_path):
    (found,) = hardware.memory(machine(tmp_path, {"proc/meminfo": meminfo(4 * GIGABYTE_KB, 3 * GIGABYTE_KB)}))
    assert found.data == {"total_mb": 4096, "available_mb": 3072, "swap_mb": 0, "swap_used_mb": 0}


def test_programs_that_were_ended_for_want_of_memory_are_told(tmp_path):
    visit = machine(tmp_path, {"proc/meminfo": meminfo(4 * GIGABYTE_KB, 3 * GIGABYTE_KB), "proc/vmstat": "nr_free 1\noom_kill 3\n"})
    assert hardware.memory(visit)[1].data == {"killed": 3}


def test_waiting_for_memory_is_told(tmp_path):
    pressure = "some avg10=1.00 avg60=42.50 avg300=0.10 total=1\nfull avg10=0 avg60=0 avg300=0 total=0\n"
    visit = machine(tmp_path, {"proc/meminfo": meminfo(4 * GIGABYTE_KB, 3 * GIGABYTE_KB), "proc/pressure/memory": pressure})
    assert hardware.memory(visit)[1].data == {"stalled_percent": 42.5}


@pytest.mark.parametrize(("load", "state"), [("0.1 0.1 0.1", State.OK), ("9 999 9", State.WARNING), ("", State.NOTE)])
def test_processor(tmp_path, load, state):
    assert states(hardware.processor(machine(tmp_path, {"proc/loadavg": load}))) == [state]


@pytest.mark.parametrize(("millidegrees", "state"), [("54321", State.OK), ("81000", State.WARNING)])
async def test_temperature(tmp_path, millidegrees, state):
    files = {"sys/class/thermal/thermal_zone0/temp": "1000", "sys/class/thermal/thermal_zone1/temp": millidegrees}
    assert states(await hardware.temperature(machine(tmp_path, files))) == [state]


@pytest.mark.parametrize(
    ("bits", "state", "said"),
    [
        ("0x0", State.OK, "never throttled"),
        ("0x50005", State.FAILURE, "the power supply is too weak"),
        ("0x50000", State.WARNING, "since its start at times the power supply is too weak"),
        ("0x80008", State.FAILURE, "it is too hot"),
    ],
)
async def test_throttling_of_a_raspberry_pi_by_its_tool(tmp_path, bits, state, said):
    files = {"proc/device-tree/model": "Raspberry Pi 4 Model B\0"}
    (found,) = await hardware.temperature(machine(tmp_path, files, programs={"vcgencmd": f"throttled={bits}\n"}))
    assert found.state is state
    assert said in found.text


async def test_throttling_of_a_raspberry_pi_without_its_tool(tmp_path):
    files = {"sys/devices/platform/soc/soc:firmware/get_throttled": "50005"}
    (found,) = await hardware.temperature(machine(tmp_path, files))
    assert (found.state, found.data) == (State.FAILURE, {"throttled": "0x50005"})


async def test_a_machine_that_tells_no_temperature_is_no_fault(tmp_path):
    assert states(await hardware.temperature(machine(tmp_path, {}))) == [State.NOTE]


@pytest.mark.parametrize(
    ("programs", "state"),
    [
        ({"timedatectl": "yes\n"}, State.OK),
        ({"timedatectl": "no\n"}, State.WARNING),
        ({"chronyc": "Leap status     : Normal\n"}, State.OK),
        ({"chronyc": "Leap status     : Not synchronised\n"}, State.WARNING),
        ({}, State.NOTE),
    ],
)
async def test_clock(tmp_path, programs, state):
    visit = machine(tmp_path, {"sys/class/rtc/rtc0/name": "rtc"}, programs=programs)
    assert states(await clock.clock(visit)) == [state]


async def test_a_machine_without_a_clock_of_its_own_is_told(tmp_path):
    found = await clock.clock(machine(tmp_path, {}, programs={"timedatectl": "yes\n"}))
    assert states(found) == [State.OK, State.NOTE]


def test_models_on_a_network_disk_are_told(tmp_path):
    mounts = f"/dev/sda1 / ext4 rw 0 0\nnas:/models {tmp_path}/nas nfs4 ro 0 0\n"
    (tmp_path / "nas").mkdir()
    visit = machine(tmp_path, {"proc/mounts": mounts}, {"models": {"shared": [f"{tmp_path}/nas"]}})
    (found,) = storage.file_systems(visit)
    assert found.state is State.WARNING
    assert "--no-mmap" in found.mend
    assert found.data == {"folder": f"{tmp_path}/nas", "type": "nfs4", "source": "nas:/models"}


def test_a_database_on_a_network_disk_is_told(tmp_path):
    mounts = f"/dev/sda1 / ext4 rw 0 0\n//nas/home {tmp_path} cifs rw 0 0\n"
    settings = {"handle": {"database": f"{tmp_path}/timers.db"}}
    assert any("locked" in found.text for found in storage.file_systems(machine(tmp_path, {"proc/mounts": mounts}, settings)))


def test_disks_of_the_machine_itself_are_right(tmp_path):
    assert states(storage.file_systems(machine(tmp_path, {"proc/mounts": "/dev/sda1 / ext4 rw 0 0\n"}))) == [State.OK]


@pytest.mark.parametrize(("free_mb", "state"), [(50_000, State.OK), (500, State.WARNING), (20, State.FAILURE)])
def test_room_on_the_disk(tmp_path, monkeypatch, free_mb, state):
    usage = storage.shutil._ntuple_diskusage(100_000_000_000, 0, free_mb * 1_000_000)
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda path: usage)
    assert states(storage.disk(machine(tmp_path, {}, {"models": {"folder": str(tmp_path)}})))[0] is state


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "writable", lambda path: path != tmp_path / "models")
    found = storage.disk(machine(tmp_path, {}, {"models": {"folder": f"{tmp_path}/models"}}))
    assert (found[0].state, "chown" in found[0].mend) == (State.FAILURE, True)


def test_settings_that_cannot_be_used_are_told(tmp_path):
    (found,) = configuration.settings(machine(tmp_path, {}, problem="assistant.yaml: asr.nonsense: no such key"))
    assert found.state is State.FAILURE
    assert "asr.nonsense" in found.text


def test_options_of_engines_that_do_not_exist_are_told(tmp_path):
    (found,) = configuration.settings(machine(tmp_path, {}, {"asr": {"engines": {"phrases": {"nonsense": 1}}}}))
    assert found.state is State.FAILURE
    assert "asr.engines.phrases" in found.text


@pytest.mark.parametrize(("mode", "state"), [(0o600, State.OK), (0o644, State.WARNING)])
def test_a_token_that_others_can_read_is_told(tmp_path, mode, state):
    file = tmp_path / "assistant.yaml"
    file.write_text("llm: {key: secret}\n")
    file.chmod(mode)
    visit = machine(tmp_path, {}, {"llm": {"key": "secret"}}, settings_file=file)
    assert states(configuration.settings(visit)) == [state]
