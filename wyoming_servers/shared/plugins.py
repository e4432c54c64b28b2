"""Loads tools from files and folders by path. What cannot be loaded is reported and skipped."""

import importlib.util
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from .tool import Tool

_LOGGER = logging.getLogger(__name__)
_PREFIX = "earshot_tool_"  # apart from every importable package


@dataclass(frozen=True)
class Broken:
    """A plugin that could not be loaded."""

    path: Path
    reason: str


def load_tools(folders: Sequence[Path]) -> tuple[list[type[Tool]], list[Broken]]:
    """The tool classes in `<folder>/*.py` and `<folder>/*/__init__.py`; of two with the same name the later folder's. Blocking.

    Runs the plugins' module code, so the folders must be as trusted as the program.
    """
    found: dict[str, type[Tool]] = {}
    broken = []
    for number, folder in enumerate(folders):
        for path in _plugin_files(folder):
            try:
                classes = _classes(_import(path, f"{_PREFIX}{number}_{_name(path)}"))
            except Exception as err:  # any code may stand in a plugin
                _LOGGER.exception("tool %s cannot be loaded and is skipped", path)
                broken.append(Broken(path, f"{type(err).__name__}: {err}"))
                continue
            if not classes:
                _LOGGER.warning("%s has no class derived from Tool with a name and is skipped", path)
                broken.append(Broken(path, "no class derived from Tool with a name"))
            found |= {tool.name: tool for tool in classes}
    return list(found.values()), broken


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
