"""`earshot tools`: which tools there are and whether they work; writing a new one."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import voluptuous as vol

from ..handle.phrases import read_responses
from ..shared import paths
from ..shared.context import intents_dirs
from ..shared.errors import SettingsError
from ..shared.plugins import Plugin, find_tools, own_options, switched_on
from ..shared.schema import explain, validator
from ..shared.settings import Settings
from . import tool_reference, tool_template
from .common import load_settings, settings_arguments


@dataclass(frozen=True)
class ToolState:
    """One tool on this machine."""

    name: str
    state: str
    """`on`, `off` or `broken`."""
    why: str
    """Why it is broken, or what switched it off; else empty."""
    origin: str
    """`Earshot`, a file, or a package with its version."""
    languages: tuple[str, ...]
    """It has sentences in."""
    needs: str
    """Besides the server; empty when nothing."""
    description: str
    intents: tuple[str, ...]
    changes: bool = False
    """True when its calls change something, those of `only_tells` apart."""
    only_tells: str = ""
    """Which do not; empty when all do, or none."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the list's options and the action `new`."""
    settings_arguments(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the list as JSON")
    form.add_argument("--markdown", action="store_true", help="print docs/tools-reference.md: every shipped tool from its code")
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    new = actions.add_parser("new", help="write a tool that works, with its sentences and its test, to begin with")
    new.add_argument("name", metavar="NAME", help="what it is called: small letters, digits and _")
    new.add_argument("--folder", type=Path, metavar="DIR", help="where tools/, intents/ and tests/ go (default: where Earshot finds them)")


def run(args: argparse.Namespace) -> int:
    """Exit 0; 1 when a tool is broken.

    Raises: SettingsError, InvalidRequestError.
    """
    if args.markdown:
        print(tool_reference.render(), end="")
        return 0
    settings = load_settings(args)
    return _new(args, settings) if args.action == "new" else _list(args, settings)


def _list(args: argparse.Namespace, settings: Settings) -> int:
    found = states(settings)
    if args.json:
        print(json.dumps([dataclasses.asdict(state) for state in found], indent=1, ensure_ascii=False))
    else:
        for state in found:
            print(_shown(state))
    return 1 if any(state.state == "broken" for state in found) else 0


def states(settings: Settings) -> list[ToolState]:
    """Every tool the intent server would have with these settings. Imports them; starts none.

    Raises: SettingsError.
    """
    plugins, broken = find_tools(tool_folders())
    folders = intents_dirs(settings)
    languages = sorted({path.name for folder in folders if folder.is_dir() for path in folder.iterdir() if path.is_dir()})
    sections = {language: set(read_responses(language, folders)) for language in languages}
    found = [_state(plugin, settings, sections) for plugin in plugins]
    found += [ToolState(one.name, "broken", one.reason, _origin(str(one.path)), (), "", "", ()) for one in broken]
    return sorted(found, key=lambda state: state.name)


def tool_folders() -> tuple[Path, Path]:
    """The shipped tools and the owner's."""
    return paths.content("tools"), paths.data_dir() / "tools"


def _state(plugin: Plugin, settings: Settings, sections: dict[str, set[str]]) -> ToolState:
    tool, options = plugin.tool, settings.handle.tools
    state, why = "on", ""
    if not switched_on(options, tool.name):
        state, why = "off", f"handle.tools.{tool.name}.enabled is false"
    else:
        try:
            validator(tool.Options)(own_options(options, tool.name))
        except vol.Invalid as err:
            state, why = "broken", f"handle.tools.{tool.name}: {explain(err, tool.Options)}"
    spoken = tool.languages if tool.languages is not None else [name for name, section in sections.items() if tool.name in section]
    return ToolState(
        tool.name,
        state,
        why,
        _origin(plugin.origin),
        tuple(sorted(spoken)),
        tool.needs,
        tool.description,
        tuple(tool.intents),
        tool.changes,
        tool_reference.telling(tool).replace("`", ""),
    )


def _origin(origin: str) -> str:
    return "Earshot" if origin.startswith(f"{paths.content('tools')}/") else origin


def _shown(state: ToolState) -> str:
    facts: Sequence[str] = [
        state.origin,
        ", ".join(state.languages) or "no language",
        *([f"needs {state.needs}"] if state.needs else []),
        *([f"changes things{f' but for {state.only_tells}' if state.only_tells else ''}"] if state.changes else []),
    ]
    lines = [f"{state.name:<14} {state.state:<7} {state.why or state.description}"]
    if state.state != "broken" or state.languages:
        lines.append(f"{'':<22} {'; '.join(facts)}")
    else:
        lines.append(f"{'':<22} {state.origin}")
    return "\n".join(lines)


def _new(args: argparse.Namespace, settings: Settings) -> int:
    plugins, _ = find_tools(tool_folders())
    if args.folder:
        tools, intents, tests = (args.folder / name for name in ("tools", "intents", "tests"))
    else:
        data = paths.data_dir()
        tools, intents, tests = data / "tools", intents_dirs(settings)[-1], data / "tests"
    if not args.folder and intents != data / "intents":
        raise SettingsError("handle.intents points elsewhere than the tools: give --folder DIR, and put the files where they belong")
    for path in tool_template.write(args.name, tools, intents, tests, [plugin.tool.name for plugin in plugins]):
        print(path)
    spoken = args.name.replace("_", " ").strip()
    print(f"\nTest it:  pytest {tests / f'test_{args.name}.py'}", file=sys.stderr)
    if not args.folder:
        print(
            f'Try it:   earshot ask "ask {spoken} to count to three"   (a running intent server must be restarted first)', file=sys.stderr
        )
    return 0
