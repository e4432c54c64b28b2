"""An owner's catalogue with one small model on a server of the test."""

from pathlib import Path
from typing import Any

import yaml


def write_catalogue(config_home: Path, url: str, name: str = "bricks", size_bytes: int | None = None, **changes: Any) -> None:
    """Puts toy/NAME with the one file toy.bin, at `url`, into the owner's models.yaml."""
    entry = {
        "description": "A toy.",
        "languages": ["en"],
        "licence": "MIT",
        "commercial_use": True,
        "source": "http://127.0.0.1/about",
        "files": [{"path": "toy.bin", "url": url} | ({"size_bytes": size_bytes} if size_bytes else {})],
    }
    folder = config_home / "earshot"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "models.yaml").write_text(yaml.safe_dump({"toy": {name: entry | changes}}))
