"""`earshot install systemd`: what it writes holds in systemd's own eyes, and nothing of the owner's is lost."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wyoming_servers import cli
from wyoming_servers.commands import install, systemd_units
from wyoming_servers.commands.systemd_units import BACK_OFF_SINCE, PARTS, Layout, Program
from wyoming_servers.shared.errors import InvalidRequestError

PROGRAM = Program(Path(sys.executable), ())
MOST_EXPOSED = "20"  # 2.0 of 10, in tenths
NOT_A_USERS = re.compile(
    r"^(User|Group|SupplementaryGroups|CapabilityBoundingSet|AmbientCapabilities|Protect\w+|Private\w+|Device\w+)=", re.M
)

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze (apt-get install systemd)")
needs_systemctl = pytest.mark.skipif(not shutil.which("systemctl"), reason="needs systemctl (apt-get install systemd)")


def write_units(folder: Path, *, user: bool = False, systemd: int = 0) -> Path:
    """All units with their drop-ins, as they would be installed."""
    layout = Layout(folder / "units", user, folder)
    for path, text in systemd_units.files(layout, PROGRAM, list(PARTS), systemd).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return layout.units


def analyze(units: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"SYSTEMD_UNIT_PATH": f"{units}:", "NO_COLOR": "1", "XDG_RUNTIME_DIR": str(units)}
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=60, env=environment, check=False)


def services(units: Path) -> list[str]:
    return [str(units / systemd_units.unit_name(part)) for part in PARTS]


@needs_systemd
@pytest.mark.parametrize("user", [False, True], ids=["system", "user"])
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path, user: bool) -> None:
    units = write_units(tmp_path, user=user, systemd=install._systemd_version())
    ended = analyze(units, "--user" if user else "--system", "--man=no", "verify", *services(units), str(units / "earshot.target"))
    assert (ended.returncode, ended.stderr) == (0, "")


@needs_systemd
def test_systemd_would_tell_of_a_wrong_line(tmp_path: Path) -> None:
    units = write_units(tmp_path)
    common = units / "earshot-.service.d" / "10-earshot.conf"
    common.write_text(common.read_text() + "ProtectEverything=yes\n")
    assert "ProtectEverything" in analyze(units, "--man=no", "verify", *services(units)).stderr


@needs_systemd
@pytest.mark.parametrize("part", PARTS)
def test_what_a_service_may_do_is_little(tmp_path: Path, part: str) -> None:
    units = write_units(tmp_path)
    name = str(units / systemd_units.unit_name(part))
    ended = analyze(units, "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", "security", name)
    assert ended.returncode == 0, ended.stdout.splitlines()[-1:]


def test_a_users_units_ask_for_nothing_that_only_root_can_give(tmp_path: Path) -> None:
    units = write_units(tmp_path, user=True)
    found = {path.name: NOT_A_USERS.findall(path.read_text()) for path in units.rglob("*") if path.is_file()}
    assert not {name: keys for name, keys in found.items() if keys}


@pytest.mark.parametrize("part", PARTS)
def test_the_command_line_takes_what_the_units_run(tmp_path: Path, part: str) -> None:
    text = (write_units(tmp_path) / systemd_units.unit_name(part)).read_text()
    commands = re.findall(r"^Exec\w+=\S+ (.*)$", text, re.M)
    for command in commands:
        cli._parser(command.split()).parse_args(command.split())
    assert len(commands) == (1 if part == "satellite" else 2)


def test_no_unit_waits_for_the_network(tmp_path: Path) -> None:
    texts = [path.read_text() for path in write_units(tmp_path).rglob("*") if path.is_file()]
    assert not [text for text in texts if "network-online" in text or "network.target" in text]


def test_no_mark_of_a_template_is_left(tmp_path: Path) -> None:
    write_units(tmp_path, systemd=BACK_OFF_SINCE)
    marked = [path for path in tmp_path.rglob("*") if path.is_file() and re.search(r"(?<![\w~=])@[a-z_]+@|@system@", path.read_text())]
    assert marked == []


def test_back_off_is_left_out_where_systemd_does_not_know_it(tmp_path: Path) -> None:
    layout = Layout(tmp_path, user=False)
    known = [
        any("back-off" in path.name for path in systemd_units.files(layout, PROGRAM, ["asr"], version))
        for version in (BACK_OFF_SINCE - 1, BACK_OFF_SINCE)
    ]
    assert known == [False, True]


def test_services_see_of_the_home_folders_only_where_earshot_is() -> None:
    folders = (Path("/home/pi/earshot"), Path("/home/pi/earshot/.venv"), Path("/usr"), Path("/root/python"))
    assert Program(folders[0], folders).readable() == [Path("/home/pi/earshot"), Path("/root/python")]


@pytest.mark.parametrize(
    ("path", "expected"),
    [("/tmp/earshot/bin", "a /tmp of their own"), ("/opt/my earshot/bin", "systemd does not take blanks"), ("/home/100%/bin", "%")],
)
def test_a_place_that_services_cannot_use_is_refused(path: str, expected: str) -> None:
    with pytest.raises(InvalidRequestError, match=expected):
        systemd_units.check(Program(Path(path) / "earshot", (Path(path),)), user=False)


def test_a_folder_that_others_cannot_read_is_refused_with_the_command_that_mends_it(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(systemd_units, "_OWN_TMP", ())  # where pytest's folders are
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(InvalidRequestError, match=r"sudo chmod -R o\+rX"):
        systemd_units.check(Program(closed, (closed,)), user=False)


@pytest.fixture
def image(monkeypatch, tmp_path: Path) -> Path:
    """Root of a file system to install into; where this Earshot stands is not the matter here."""
    monkeypatch.setattr(systemd_units, "this_program", lambda: PROGRAM)
    monkeypatch.setattr(systemd_units, "check", lambda program, user: None)
    monkeypatch.setattr(install.os, "geteuid", lambda: 0)
    (tmp_path / "etc").mkdir()
    return tmp_path


def into(image: Path, *words: str) -> int:
    return cli.main(["install", "systemd", "--root", str(image), *words])


@needs_systemctl
def test_the_parts_named_start_with_the_image(image: Path) -> None:
    into(image, "--parts", "wake", "tts")
    units = image / "etc/systemd/system"
    wanted = {path.name for path in (units / "earshot.target.wants").iterdir()}
    assert (wanted, (units / "multi-user.target.wants" / "earshot.target").is_symlink()) == (
        {"earshot-wake.service", "earshot-tts.service"},
        True,
    )


@needs_systemctl
def test_installing_again_brings_the_installed_parts_up_to_date_and_no_others(image: Path, capsys) -> None:
    into(image, "--parts", "wake")
    (image / "etc/systemd/system/earshot-wake.service").write_text(f"{systemd_units.MADE_BY}\n[Service]\nExecStart=/old\n")
    capsys.readouterr()
    into(image)
    told = capsys.readouterr().out
    assert ("writing" in told, "unchanged" in told, "earshot-asr" in told) == (True, True, False)


@needs_systemctl
def test_an_owners_drop_in_outlives_update_and_removal(image: Path) -> None:
    into(image)
    own = image / "etc/systemd/system/earshot-asr.service.d/override.conf"
    shared = image / "etc/systemd/system/earshot-.service.d/50-mine.conf"
    for path in (own, shared):
        path.parent.mkdir(exist_ok=True)
        path.write_text("[Service]\nMemoryMax=3G\n")
    into(image)
    into(image, "--uninstall")
    left = {path for path in (image / "etc").rglob("*") if path.is_file()}
    assert {own, shared} <= left and not [path for path in left if systemd_units.MADE_BY in path.read_text()]


@needs_systemctl
def test_removing_one_part_leaves_the_others(image: Path) -> None:
    into(image)
    into(image, "--uninstall", "--parts", "satellite")
    units = image / "etc/systemd/system"
    assert [(units / systemd_units.unit_name(part)).exists() for part in PARTS] == [True, True, True, True, False]


def test_a_unit_of_somebody_elses_is_not_overwritten(image: Path, capsys) -> None:
    foreign = image / "etc/systemd/system/earshot-asr.service"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("[Service]\nExecStart=/usr/bin/mine\n")
    status = into(image)
    assert (status, foreign.read_text()) == (cli.EXIT_HOPELESS, "[Service]\nExecStart=/usr/bin/mine\n")
    assert "nothing was changed" in capsys.readouterr().err


def test_a_dry_run_shows_files_and_commands_and_changes_nothing(image: Path, capsys) -> None:
    into(image, "--dry-run")
    told = capsys.readouterr().out
    assert "would write" in told and "would run  systemctl" in told and not list((image / "etc").iterdir())


def test_without_root_it_says_which_command_would_do(monkeypatch, capsys, tmp_path: Path) -> None:
    monkeypatch.setattr(install.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(systemd_units, "this_program", lambda: PROGRAM)
    assert cli.main(["install", "systemd", "--root", str(tmp_path)]) == cli.EXIT_HOPELESS
    assert f"sudo {PROGRAM.executable} install systemd" in capsys.readouterr().err
