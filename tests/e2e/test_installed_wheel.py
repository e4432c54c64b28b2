"""The wheel carries its content and answers without the checkout; an editable install reads the checkout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wyoming_servers.shared import paths

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's files, as pip lays them out."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = [*pip, "wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("earshot_voice-*.whl")
    target = folder / "site"
    subprocess.run(
        [*pip, "install", "--no-deps", "--no-index", "--target", str(target), str(wheel)], check=True, capture_output=True, timeout=120
    )
    return target


def run(installed: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    home = installed.parent / "home"
    home.mkdir(exist_ok=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("EARSHOT_", "XDG_"))}
    environment |= {"PYTHONPATH": str(installed), "HOME": str(home)}
    return subprocess.run([sys.executable, *arguments], cwd=home, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(("name", "holds"), [("intents", "en/timers.yaml"), ("routing", "en.yaml"), ("tools", "clock.py")])
def test_the_wheel_brings_its_own_content(installed: Path, name: str, holds: str) -> None:
    shown = run(installed, "-c", f"from wyoming_servers.shared import paths; print(paths.content({name!r}))").stdout.strip()
    assert Path(shown) == installed / "wyoming_servers" / "_bundled" / name
    assert (Path(shown) / holds).is_file()


def test_the_wheel_answers(installed: Path) -> None:
    answered = run(installed, "-m", "wyoming_servers", "ask", "what time is it")
    assert answered.returncode == 0, answered.stderr


def test_an_editable_install_reads_the_checkout() -> None:
    assert paths.content("intents") == ROOT / "intents"
