"""Build hook: a wheel carries the content folders as wyoming_servers/_bundled; an editable install reads them from the checkout."""

from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

CONTENT = {"config": "config", "intents": "intents", "tools": "tools", "routing": "tests/routing"}
"""Name in the wheel: place in the checkout."""


class ContentHook(BuildHookInterface):
    """Adds the content folders to standard wheels."""

    def initialize(self, version: str, build_data: dict) -> None:
        if self.target_name != "wheel" or version == "editable":
            return
        for name, place in CONTENT.items():
            folder = Path(self.root) / place
            if folder.is_dir():
                build_data["force_include"][str(folder)] = f"wyoming_servers/_bundled/{name}"
