"""What `earshot routing` and `earshot bakeoff llm` have in common: labelled sentences, the tools they mean, endpoints."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from ..handle.routing import NONE, Case, read_cases
from ..llm import ENGINES
from ..llm.engine import LlmEngine
from ..shared import paths
from ..shared.engines import find
from ..shared.errors import EngineUnavailableError, InvalidRequestError
from ..shared.gate import kept_inside
from ..shared.ledger import location
from ..shared.ledger_gate import EngineGate
from ..shared.plugins import load_tools
from ..shared.settings import LlmSection, Settings
from ..shared.tool import Tool


def shipped(language: str = "") -> list[Path]:
    """The files that come with Earshot: all, or that of one language, English where it has none."""
    files = sorted(paths.content("routing").glob("*.yaml"))
    by_name = {file.stem: file for file in files}
    return [by_name.get(language.partition("-")[0]) or by_name["en"]] if language else files


def labelled(files: Sequence[Path], languages: Sequence[str] = (), limit: int | None = None) -> tuple[list[Case], list[type[Tool]]]:
    """The sentences of these files, and all tools there are. What a sentence means that no tool here can do is left out, which is said.

    languages: only these, if any. limit: so many of each file.
    Raises: SettingsError, InvalidRequestError when nothing is left.
    """
    found = []
    for path in files:
        found += [case for case in read_cases(path) if not languages or case.language in languages][:limit]
    tools, _ = load_tools([paths.content("tools"), paths.data_dir() / "tools"])
    known = {tool.name for tool in tools} | {NONE}
    for name, count in Counter(case.tool for case in found if case.tool not in known).items():
        print(f"earshot: {count} sentences are left out: there is no tool {name}", file=sys.stderr)
    cases = [case for case in found if case.tool in known]
    if not cases:
        raise InvalidRequestError("no labelled sentences; a .yaml file of them has `language: en` and `cases:`, see docs/llm.md")
    return cases, tools


def opener(settings: Settings, command: str) -> Callable[[LlmSection], LlmEngine]:
    """Opens an endpoint, unless what may leave the house forbids it; what is sent to one outside is in the egress ledger. Blocking.

    command: under which name, `routing`.
    Raises: EngineUnavailableError when its library is not here.
    """
    spec = find(ENGINES, settings.llm.engine)
    if missing := spec.missing():
        raise EngineUnavailableError(f"needs {', '.join(missing)}: {spec.install_command()}")
    engine_class = spec.load_class()
    gate = EngineGate(settings.network, location(settings), command, "comparing language models")

    def make(chosen: LlmSection) -> LlmEngine:
        if reason := kept_inside(chosen.base_url, settings.network):
            raise EngineUnavailableError(f"the language model {reason}")
        engine_class.check(chosen)
        return engine_class(chosen, gate)

    return make
