"""Finds tools: in folders, by path, and in installed packages, by their entry points. What cannot be loaded is reported and skipped."""

import importlib.util
import logging
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from .errors import SettingsError
from .tool import Tool

GROUP = "earshot.tools"
"""Entry point group of packages with tools; each entry point names a class derived from Tool."""
SWITCH = "enabled"
"""Stands beside a tool's options in the settings, so no tool may have an option of this name."""
_LOGGER = logging.getLogger(__name__)
_PREFIX = "earshot_tool_"  # apart from every importable package


@dataclass(frozen=True)
class Plugin:
    """A tool that could be loaded."""

    tool: type[Tool]
    origin: str
    """The file it is in, or the package with its version."""


@dataclass(frozen=True)
class Broken:
    """A plugin that could not be loaded."""

    path: Path
    """The file; of a package, the name of its entry point."""
    reason: str

    @property
    def name(self) -> str:
        """What the tool is probably called."""
        return _name(self.path)


def load_tools(folders: Sequence[Path]) -> tuple[list[type[Tool]], list[Broken]]:
    """The tool classes that `find_tools` finds."""
    plugins, broken = find_tools(folders)
    return [plugin.tool for plugin in plugins], broken


def find_tools(folders: Sequence[Path]) -> tuple[list[Plugin], list[Broken]]:
    """The tools in `<folder>/*.py` and `<folder>/*/__init__.py`, and in installed packages; of two with the same name the later one, the
    packages' being later than the first folder's. Blocking.

    Runs the plugins' module code, so folders and packages must be as trusted as the program.
    """
    found: dict[str, Plugin] = {}
    broken: list[Broken] = []
    for number, folder in enumerate(folders):
        for path in _plugin_files(folder):
            try:
                classes = _classes(_import(path, f"{_PREFIX}{number}_{_name(path)}"))
                for tool in classes:
                    _check_only_tells(tool)
            except Exception as err:  # any code may stand in a plugin
                broken.append(Broken(path, _reason(err, path)))
                _LOGGER.error("tool %s cannot be loaded and is skipped: %s", path, broken[-1].reason)
                _LOGGER.debug("how that came about", exc_info=err)
                continue
            if not classes:
                _LOGGER.warning("%s has no class derived from Tool with a name and is skipped", path)
                broken.append(Broken(path, "no class derived from Tool with a name"))
            found |= {tool.name: Plugin(tool, str(path)) for tool in classes}
        if number == 0:
            packaged, unusable = _packaged()
            found |= packaged
            broken += unusable
    return list(found.values()), broken


def _reason(err: Exception, path: Path) -> str:
    """What is wrong, with the last line of the tool's own code that led to it."""
    folder = path.parent if path.name == "__init__.py" else path
    own = [frame for frame in traceback.extract_tb(err.__traceback__) if Path(frame.filename).is_relative_to(folder)]
    where = f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""  # a SyntaxError tells it itself
    return f"{type(err).__name__}: {err}{where}"


def switched_on(options: Mapping[str, Any], name: str) -> bool:
    """Whether the owner wants a tool: `handle.tools.<name>.enabled`, true unless set. options: those of all tools.

    Raises: SettingsError when it is neither true nor false.
    """
    own = options.get(name) or {}
    wanted = own.get(SWITCH, True) if isinstance(own, Mapping) else True
    if not isinstance(wanted, bool):
        raise SettingsError(f"handle.tools.{name}.{SWITCH}: {wanted!r} is not true or false")
    return wanted


def own_options(options: Mapping[str, Any], name: str) -> Any:
    """What the owner has set for a tool, without the switch."""
    own = options.get(name) or {}
    return {key: value for key, value in own.items() if key != SWITCH} if isinstance(own, Mapping) else own


def packaged_intents() -> list[Path]:
    """Folders `intents` beside the modules, and in the packages, that entry points name. Imports nothing. Blocking."""
    folders = []
    for entry in entry_points(group=GROUP):
        top, *parts = entry.module.split(".")
        try:
            spec = importlib.util.find_spec(top)
        except (ImportError, ValueError):
            continue
        for root in (spec.submodule_search_locations or ()) if spec else ():
            folders += [Path(root, *parts[:depth], "intents") for depth in range(len(parts) + 1)]
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def _packaged() -> tuple[dict[str, Plugin], list[Broken]]:
    found: dict[str, Plugin] = {}
    broken = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        origin = _distribution(entry)
        try:
            tool = entry.load()
        except Exception as err:  # any code may stand in a plugin
            _LOGGER.exception("tool %s of the package %s cannot be loaded and is skipped", entry.name, origin)
            broken.append(Broken(Path(entry.name), f"{type(err).__name__}: {err} (package {origin})"))
            continue
        if not (isinstance(tool, type) and issubclass(tool, Tool) and hasattr(tool, "name")):
            _LOGGER.warning("%s of the package %s is no class derived from Tool with a name and is skipped", entry.value, origin)
            broken.append(Broken(Path(entry.name), f"{entry.value} is no class derived from Tool with a name (package {origin})"))
            continue
        try:
            _check_only_tells(tool)
        except SettingsError as err:
            _LOGGER.error("tool %s of the package %s is skipped: %s", entry.name, origin, err)
            broken.append(Broken(Path(entry.name), f"{err} (package {origin})"))
            continue
        found[tool.name] = Plugin(tool, f"package {origin}")
    return found, broken


def _check_only_tells(tool: type[Tool]) -> None:
    """Raises: SettingsError when what it declares means no call, or other calls than its author thought."""
    known = {item.name: item for item in fields(tool.Args)}
    if tool.only_tells and not tool.changes:
        raise SettingsError(f"{tool.name}: `only_tells` is of tools with `changes = True`; without that, no call of it changes anything")
    for name, values in tool.only_tells.items():
        if name not in known:
            raise SettingsError(f"{tool.name}: `only_tells` has {name!r}, which is no argument (there are: {', '.join(known)})")
        if isinstance(values, str):
            raise SettingsError(f"{tool.name}: `only_tells` needs a set of values for {name!r}: {{{values!r}}}")
        choices = known[name].metadata.get("choices")
        if choices and (wrong := sorted(map(str, set(values) - {*choices, known[name].default}))):
            raise SettingsError(f"{tool.name}: `only_tells` has {name} {wrong[0]!r} (allowed: {', '.join(map(str, choices))})")


def _distribution(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else entry.module


def _plugin_files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(("_", ".")):
            continue
        if entry.suffix == ".py":
            yield entry
        elif (entry / "__init__.py").is_file():
            yield entry / "__init__.py"


def _name(path: Path) -> str:
    return path.parent.name if path.name == "__init__.py" else path.stem


def _import(path: Path, name: str) -> ModuleType:
    folders = [str(path.parent)] if path.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(name, path, submodule_search_locations=folders)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    _forget(name)  # a server started anew in this process sees the file as it is now
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        _forget(name)
        raise
    return module


def _forget(name: str) -> None:
    for known in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
        del sys.modules[known]


def _classes(module: ModuleType) -> list[type[Tool]]:
    own = [value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Tool)]
    return [tool for tool in own if tool.__module__.split(".")[0] == module.__name__ and hasattr(tool, "name")]
