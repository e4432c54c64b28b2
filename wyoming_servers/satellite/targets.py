"""Which assistant a wake word addresses."""

from collections.abc import Mapping

from ..shared.errors import SettingsError
from ..shared.protocol import printable
from ..shared.settings import SatelliteSection

_TARGETS = ("auto", "local", "home_assistant")


def check_targets(targets: Mapping[str, str]) -> None:
    """Raises: SettingsError when a wake word addresses nobody there is."""
    for word, target in targets.items():
        if target not in _TARGETS:
            allowed = ", ".join(_TARGETS)
            raise SettingsError(f"satellite.targets.{printable(word, 40)}: {printable(target, 40)!r} is not allowed (allowed: {allowed})")


def target_of(wake_word: str, section: SatelliteSection) -> str:
    """`local`, `home_assistant`, or as `satellite.assistant` says."""
    return section.targets.get(wake_word, section.assistant)
