"""Fetching one small model from a server of the test, and what a person would have been told meanwhile."""

import asyncio
import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from model_server import ModelServer

from wyoming_servers.shared.catalogue import MANIFEST, CatalogueModel, ModelFile
from wyoming_servers.shared.downloads import DownloadError, Limits
from wyoming_servers.shared.fetching import Fetching
from wyoming_servers.shared.progress import Progress

DATA = bytes(range(256)) * 1200
SHA256 = hashlib.sha256(DATA).hexdigest()
QUICK = Limits(connect_s=5, stalled_s=5, tries=3, pause_s=0, reserve_bytes=0)
IMPATIENT = Limits(connect_s=5, stalled_s=0.1, tries=3, pause_s=0, reserve_bytes=0)


class Told(Progress):
    """What a person would have been told."""

    def __init__(self) -> None:
        super().__init__()
        self.notes: list[str] = []
        self.steps: list[int] = []
        self.moved = threading.Event()

    def note(self, text: str) -> None:
        self.notes.append(text)

    def show(self) -> None:
        self.steps.append(self.done_bytes)
        if self.done_bytes:
            self.moved.set()


def model(*files: ModelFile) -> CatalogueModel:
    """toy/small with these files."""
    return CatalogueModel("toy", "small", "A toy.", ("en",), "MIT", True, "", "http://127.0.0.1/", files)


def file(server: ModelServer, **known: Any) -> ModelFile:
    """x.bin, which the server has as /x, with what the catalogue knows of it."""
    return ModelFile("x.bin", f"{server.url}/x", **known)


async def fetch(folder: Path, *files: ModelFile, told: Told | None = None, limits: Limits = QUICK, **how: Any) -> Path:
    """Fetches toy/small into this folder of models; its folder."""
    return await asyncio.to_thread(Fetching(folder, limits=limits, **how).fetch, model(*files), told or Told())


async def error_of(folder: Path, *files: ModelFile, **how: Any) -> str:
    """What a fetch that fails says. Nothing of it is in sight."""
    with pytest.raises(DownloadError) as caught:
        await fetch(folder, *files, **how)
    assert not (folder / "toy").exists()
    return str(caught.value)


def content(path: Path) -> bytes:
    """Of the model's file."""
    return (path / "x.bin").read_bytes()


def checked(path: Path) -> str:
    """What the manifest says the file was compared with."""
    return json.loads((path / MANIFEST).read_text())["files"][0]["checked"]
