"""`earshot install systemd`: the parts as services that start with the machine."""

import argparse
import os
import shlex
import subprocess
from pathlib import Path

from ..shared import paths
from ..shared.errors import AssistantError, InvalidRequestError
from . import systemd_units
from .systemd_units import MADE_BY, PARTS, TARGET, Layout, unit_name

_BOOTED = Path("/run/systemd/system")
_COMMAND_TIMEOUT_S = 300.0  # restarting waits until each server answers, TimeoutStartSec at most


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the kinds of installation."""
    actions = parser.add_subparsers(dest="action", metavar="WHAT", required=True)
    systemd = actions.add_parser("systemd", help="parts of Earshot as services that start with the machine; again: brings them up to date")
    systemd.add_argument(
        "--parts", nargs="+", choices=PARTS, metavar="PART", help=f"which ({', '.join(PARTS)}; default: the installed ones, else all)"
    )
    systemd.add_argument(
        "--user", action="store_true", help="services of this user, with this user's settings and sound, instead of the machine's"
    )
    systemd.add_argument("--dry-run", action="store_true", help="only show the files and the commands")
    systemd.add_argument("--uninstall", action="store_true", help="stop and remove them; settings, models and drop-ins stay")
    systemd.add_argument(
        "--root", type=Path, default=Path("/"), metavar="FOLDER", help="install into the file system of an image; starts nothing"
    )


def run(args: argparse.Namespace) -> int:
    """Installs, brings up to date, or removes.

    Raises: InvalidRequestError when that cannot be done here; AssistantError when a command of systemd fails.
    """
    if args.user and args.root != Path("/"):
        raise InvalidRequestError("--user and --root do not go together: users' services are not part of an image")
    units = paths.config_dir().parent / "systemd/user" if args.user else args.root / "etc/systemd/system"
    layout = Layout(units, args.user, args.root)
    _check_rights(args, layout)
    return _uninstall(args, layout) if args.uninstall else _install(args, layout)


def _check_rights(args: argparse.Namespace, layout: Layout) -> None:
    if args.dry_run:
        return
    if layout.root == Path("/") and not _BOOTED.is_dir():
        raise InvalidRequestError("systemd does not run this machine (is it a container?); --dry-run shows what would be installed")
    if not layout.user and os.geteuid() != 0:
        again = " ".join(
            ["sudo", str(systemd_units.this_program().executable), "install systemd", *(["--uninstall"] if args.uninstall else [])]
        )
        raise InvalidRequestError(f"services of the machine need root: {again} … (or --user for services of your own)")


def _install(args: argparse.Namespace, layout: Layout) -> int:
    program = systemd_units.this_program()
    systemd_units.check(program, layout.user)
    parts = args.parts or [part for part in PARTS if _is_ours(layout.unit(part))] or list(PARTS)
    wanted = systemd_units.files(layout, program, parts, _systemd_version())
    if foreign := [path for path in wanted if path.exists() and not _is_ours(path)]:
        raise InvalidRequestError(f"{foreign[0]} was not made by `earshot install`; move it away first (nothing was changed)")
    gone = [path for path in layout.everything() if path not in wanted and _is_ours(path) and path.parent == layout.common]
    for path, text in wanted.items():
        _write(path, text, args.dry_run)
    for path in gone:
        _remove(path, args.dry_run)
    names = [unit_name(part) for part in parts]
    commands = [] if layout.user else [["systemd-sysusers", *_root(layout), str(layout.sysusers)]]
    if layout.root == Path("/"):
        commands.append(_systemctl(layout, "daemon-reload"))
    commands.append(_systemctl(layout, "enable", TARGET, *names))
    if layout.root == Path("/"):
        commands += [_systemctl(layout, "restart", *names), _systemctl(layout, "start", TARGET)]
    for command in commands:
        _carry_out(command, args.dry_run)
    if not args.dry_run:
        _tell(layout, parts)
    return 0


def _uninstall(args: argparse.Namespace, layout: Layout) -> int:
    there = [part for part in PARTS if _is_ours(layout.unit(part))]
    parts = [part for part in args.parts or PARTS if part in there]
    whole = set(parts) == set(there)
    if not parts:
        print(f"Nothing to remove: no such units of `earshot install` in {layout.units}.")
        return 0
    names = [unit_name(part) for part in parts] + ([TARGET] if whole else [])
    now = ["--now"] if layout.root == Path("/") else []
    _carry_out(_systemctl(layout, "disable", *now, *names), args.dry_run)
    for path in layout.everything() if whole else map(layout.unit, parts):
        if _is_ours(path):
            _remove(path, args.dry_run)
    if whole and layout.common.is_dir() and not any(layout.common.iterdir()):
        layout.common.rmdir()
    if not now:
        return 0
    _carry_out(_systemctl(layout, "daemon-reload"), args.dry_run)
    if whole and not layout.user and not args.dry_run:
        print(
            "Left alone: /etc/earshot, /var/lib/earshot (models, timers), /var/cache/earshot and the user earshot. To delete them as well:"
        )
        print("  sudo rm -r /etc/earshot /var/lib/earshot /var/cache/earshot && sudo userdel earshot")
    return 0


def _tell(layout: Layout, parts: list[str]) -> None:
    if layout.root != Path("/"):
        print(f"Installed into {layout.root}; {', '.join(parts)} will start when it is booted.")
        return
    scope = " --user" if layout.user else ""
    settings = paths.config_dir() if layout.user else Path("/etc/earshot")
    print(f"Running: {', '.join(parts)}. They start {'when you log in' if layout.user else 'with the machine'}.")
    print(f"  settings  {settings / 'assistant.yaml'}, then: systemctl{scope} restart 'earshot-*'")
    print(f"  logs      journalctl{scope} --unit 'earshot-*' --follow")
    print("  models    earshot models get NAME" if layout.user else "  models    sudo earshot-service models get NAME")
    if layout.user:
        print("  at boot   loginctl enable-linger    (without it they run only while you are logged in)")


def _is_ours(path: Path) -> bool:
    try:
        return MADE_BY in "".join(path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)[:2])
    except OSError:
        return False


def _write(path: Path, text: str, dry_run: bool) -> None:
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        print(f"unchanged  {path}")
        return
    print(f"{'would write' if dry_run else 'writing'}  {path}")
    if dry_run:
        print("".join(f"    {line}\n" for line in text.splitlines()), end="")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.write_text(text, encoding="utf-8")
    draft.chmod(0o755 if text.startswith("#!") else 0o644)
    draft.replace(path)


def _remove(path: Path, dry_run: bool) -> None:
    print(f"{'would remove' if dry_run else 'removing'}  {path}")
    if not dry_run:
        path.unlink()


def _root(layout: Layout) -> list[str]:
    return [] if layout.root == Path("/") else [f"--root={layout.root}"]


def _systemctl(layout: Layout, *words: str) -> list[str]:
    return ["systemctl", *(["--user"] if layout.user else []), *_root(layout), *words]


def _carry_out(command: list[str], dry_run: bool) -> None:
    print(f"{'would run' if dry_run else 'running'}  {shlex.join(command)}")
    if dry_run:
        return
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT_S, check=False)
    except FileNotFoundError:
        raise AssistantError(f"there is no {command[0]} here; is systemd installed?") from None
    except subprocess.TimeoutExpired:
        raise AssistantError(
            f"{shlex.join(command)} has not ended within {_COMMAND_TIMEOUT_S:.0f} s; see journalctl -b -u 'earshot-*'"
        ) from None
    if done.returncode != 0:
        said = " ".join(done.stderr.split()) or f"status {done.returncode}"
        why = " (`earshot config validate` and `journalctl --unit 'earshot-*' -n 20` tell why)" if "restart" in command else ""
        raise AssistantError(f"{shlex.join(command)} failed{why}: {said}")


def _systemd_version() -> int:
    """0 when there is none, or it does not tell."""
    try:
        said = subprocess.run(["systemctl", "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
        return int(said.split()[1])
    except (OSError, subprocess.TimeoutExpired, IndexError, ValueError):
        return 0
