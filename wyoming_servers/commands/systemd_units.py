"""The files that make the parts of Earshot services of systemd: which, where, and what is in them."""

import sys
from dataclasses import dataclass
from pathlib import Path

from ..shared import paths
from ..shared.errors import InvalidRequestError
from ..shared.settings import KINDS

PARTS = (*KINDS, "satellite")
MADE_BY = "# Made by `earshot install systemd`"
TARGET = "earshot.target"
BACK_OFF_SINCE = 254
"""The first systemd with RestartSteps=."""

_HIDDEN = ("/home", "/root", "/run/user")
"""Folders that the services see empty, but for what they are given of it."""
_OWN_TMP = ("/tmp", "/var/tmp")
_SYSTEM_ONLY = "@system@ "
"""Begins lines that a user's service manager could not carry out."""
_SPECIAL = frozenset(" \t\n\"'\\%$;")
"""What means something to systemd in a path."""


@dataclass(frozen=True)
class Program:
    """What the services run."""

    executable: Path
    """The command `earshot`."""
    folders: tuple[Path, ...]
    """Everything it is made of: its environment, the Python that was made from, and the checkout of an editable installation."""

    def readable(self) -> list[Path]:
        """Those of its folders that the services would not see."""
        hidden = sorted(folder for folder in self.folders if _below(folder, _HIDDEN))
        return [folder for folder in hidden if not any(other in folder.parents for other in hidden)]


@dataclass(frozen=True)
class Layout:
    """Where files go."""

    units: Path
    user: bool
    """A user's own service manager instead of the system's."""
    root: Path = Path("/")
    """Root of the file system they are for; another than / is an image's."""

    def unit(self, part: str) -> Path:
        """Where the unit of a part is."""
        return self.units / unit_name(part)

    @property
    def common(self) -> Path:
        """The drop-in folder of all units that begin with `earshot-`."""
        return self.units / "earshot-.service.d"

    @property
    def command(self) -> Path:
        """The command line in the place of the services."""
        return self.root / "usr/local/sbin/earshot-service"

    @property
    def sysusers(self) -> Path:
        """What makes the account they run as."""
        return self.root / "etc/sysusers.d/earshot.conf"

    def everything(self) -> list[Path]:
        """Every file that an installation may have written."""
        shared = [self.units / TARGET, self.common / "10-earshot.conf", self.common / "20-earshot-back-off.conf"]
        return [*map(self.unit, PARTS), *shared, *([] if self.user else [self.sysusers, self.command])]


def this_program() -> Program:
    """The Earshot that is running now.

    Raises: InvalidRequestError when there is no command that a service could run.
    """
    executable = Path(sys.executable).with_name("earshot")
    if not executable.is_file():
        raise InvalidRequestError(
            f"there is no command `earshot` beside {sys.executable}; install Earshot into an environment of its own:"
            " python3 -m venv /opt/earshot && /opt/earshot/bin/pip install earshot-voice"
        )
    checkout = paths.content("config").parent
    folders = {Path(sys.prefix), Path(sys.base_prefix), Path(sys.executable).resolve().parent.parent, checkout}
    return Program(executable, tuple(sorted(folders)))


def check(program: Program, user: bool) -> None:
    """Whether services can run it.

    Raises: InvalidRequestError that says what to change.
    """
    for path in (program.executable, *program.folders):
        if _SPECIAL & set(str(path)):
            raise InvalidRequestError(f"{path}: systemd does not take blanks, quotes, backslashes, %, $ and ; here; move Earshot elsewhere")
        if user:
            continue
        if _below(path, _OWN_TMP):
            raise InvalidRequestError(f"{path}: services have a /tmp of their own and would not find it; move Earshot to /opt, for example")
        above = [folder for folder in path.parents if not _below(folder, _HIDDEN)]
        for one, wanted in [(path, 0o005), *((folder, 0o001) for folder in above)]:
            if one.stat().st_mode & wanted != wanted:
                raise InvalidRequestError(f"{one} cannot be read by other users, such as the services': sudo chmod -R o+rX {one}")


def files(layout: Layout, program: Program, parts: list[str], systemd: int) -> dict[Path, str]:
    """path → text of every file to install.

    parts: of PARTS. systemd: its version; 0 when it is not known.
    """
    found = {layout.unit(part): _text(unit_name(part), program, layout) for part in parts}
    found[layout.units / TARGET] = _text(TARGET, program, layout)
    found[layout.common / "10-earshot.conf"] = _text("user.conf" if layout.user else "system.conf", program, layout)
    if systemd >= BACK_OFF_SINCE:
        found[layout.common / "20-earshot-back-off.conf"] = _text("back-off.conf", program, layout)
    if not layout.user:
        found[layout.sysusers] = _text("sysusers.conf", program, layout)
        found[layout.command] = _text("earshot-service", program, layout)
    return found


def unit_name(part: str) -> str:
    """The unit of a part."""
    return f"earshot-{part}.service"


def _text(name: str, program: Program, layout: Layout) -> str:
    text = (paths.content("config") / "deploy" / "systemd" / name).read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    text = "".join(line.removeprefix(_SYSTEM_ONLY) for line in lines if not (layout.user and line.startswith(_SYSTEM_ONLY)))
    values = {
        "@earshot@": str(program.executable),
        "@readable@": " ".join(map(str, program.readable())),
        "@wanted_by@": "default.target" if layout.user else "multi-user.target",
    }
    for mark, value in values.items():
        text = text.replace(mark, value)
    shebang, rest = text.split("\n", 1) if text.startswith("#!") else ("", text)
    made_by = f"{MADE_BY}; what you change here is lost at the next one, drop-ins stay."
    return f"{shebang}\n{made_by}\n{rest}" if shebang else f"{made_by}\n{text}"


def _below(path: Path, folders: tuple[str, ...]) -> bool:
    return any(path == Path(folder) or Path(folder) in path.parents for folder in folders)
