"""Models of engines: which are on this machine, which can be fetched, and fetching them."""

import functools
import json
import logging
import os
import shutil
import typing
from dataclasses import dataclass
from pathlib import Path

from . import paths
from .errors import EngineUnavailableError, InvalidRequestError, UnknownNameError
from .settings import ModelsSection

if typing.TYPE_CHECKING:
    from .catalogue import Catalogue, CatalogueModel
    from .downloads import Limits
    from .fetching import Fetching
    from .progress import Progress

_LOGGER = logging.getLogger(__name__)
_HUGGING_FACE = "https://huggingface.co"
_TRIES_OF_A_SERVER = 40  # about half an hour: after a power cut, the router may come back later than we do
_MAX_TOKEN_BYTES = 4096


@dataclass(frozen=True)
class Verified:
    """What `verify` found about one model."""

    folder: Path
    """Where it is."""
    files: int = 0
    """Files that were compared."""
    problems: tuple[str, ...] = ()
    """What is wrong; empty when everything is right."""
    against: str = ""
    """What it was compared with: "manifest", "catalogue"; empty when nobody knows what it should be."""


class ModelStore:
    """The owner's models folder and the shared ones, each with one folder per model: `<engine>/<name>/`.

    A folder that the owner filled by hand counts as much as a downloaded one. Use it on any thread but an event loop's.
    The catalogue is read, and the HTTP library loaded, only when a model is wanted that is not here.
    """

    def __init__(self, section: ModelsSection | None = None) -> None:
        self._section = section or ModelsSection()
        self._known: dict[tuple[str, str], CatalogueModel] = {}

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where models are looked for; the first is the owner's, the only one written to."""
        own = Path(self._section.folder).expanduser() if self._section.folder else paths.data_dir() / "models"
        return (own, *(Path(folder).expanduser() for folder in self._section.shared))

    def installed(self, engine: str) -> dict[str, Path]:
        """Name → folder of every model of this engine on this machine. Reads folders, never a model."""
        found: dict[str, Path] = {}
        for folder in self.folders:
            for model in _folders(folder / engine):
                found.setdefault(model.name, model)
        return found

    def engines(self) -> list[str]:
        """Every engine that has a folder here, by name."""
        return sorted({engine.name for folder in self.folders for engine in _folders(folder)})

    def here_only(self) -> "ModelStore":
        """The same folders, and nothing to be fetched; never reads the catalogue."""
        return _HereOnly(self._section)

    def locate(self, engine: str, name: str) -> Path | None:
        """The model's folder; None when it is not here yet and `ensure` will fetch it. Cheap.

        Raises: EngineUnavailableError that says why it is neither here nor to be had, and the next step.
        """
        if found := self.installed(engine).get(name):
            return found
        self._fetchable(engine, name)
        return None

    def ensure(self, engine: str, name: str, limits: "Limits | None" = None) -> Path:
        """The model's folder; downloads it first when it is not here. Blocks, for minutes if need be, and logs how far it is.

        limits: how patient; None means as a server should be.
        Raises: EngineUnavailableError as `locate` does, or when the download failed.
        """
        if found := self.installed(engine).get(name):
            return found
        model = self._fetchable(engine, name)
        from .downloads import Limits
        from .progress import LogProgress

        _LOGGER.info("%s is fetched from %s; licence: %s", model.title, model.source, model.licence)
        if model.terms:
            _LOGGER.warning("%s: %s", model.title, model.terms)
        path = self.fetch(model, LogProgress(_LOGGER), limits or Limits(tries=_TRIES_OF_A_SERVER))
        _LOGGER.info("%s is complete in %s", model.title, path)
        return path

    def fetch(self, model: "CatalogueModel", progress: "Progress", limits: "Limits | None" = None) -> Path:
        """Downloads a model whose terms are accepted; the folder it is in. Blocks.

        Raises: EngineUnavailableError.
        """
        self._may_fetch(model.title)
        return self.fetching(limits).fetch(model, progress)

    def fetching(self, limits: "Limits | None" = None) -> "Fetching":
        """How models are fetched by these settings.

        Raises: EngineUnavailableError when the token's file cannot be read.
        """
        from .downloads import Limits, Origins
        from .fetching import Fetching

        origins = Origins(self._section.mirrors, {_HUGGING_FACE: _token(self._section.token_file)})
        return Fetching(self.folders[0], origins, limits or Limits())

    def verify(self, engine: str, name: str) -> Verified:
        """Reads every file of an installed model and compares it with what was fetched, or with the catalogue.

        Raises: UnknownNameError when it is not here; SettingsError when the catalogue is wrong.
        """
        folder = self._installed(engine, name)
        from .partial import digest

        against, expected = self._expected(engine, name, folder)
        problems = []
        for path, size_bytes, sha256 in expected:
            try:
                found_bytes = (folder / path).stat().st_size
                if size_bytes is not None and found_bytes != size_bytes:
                    problems.append(f"{path} has {found_bytes} bytes instead of {size_bytes}")
                elif sha256 and digest(folder / path) != sha256:
                    problems.append(f"{path} has another checksum")
            except FileNotFoundError:
                problems.append(f"{path} is missing")
            except OSError as err:
                problems.append(f"{path} cannot be read: {err.strerror}")
        return Verified(folder, len(expected), tuple(problems), against)

    def remove(self, engine: str, name: str) -> Path:
        """Deletes a model from the owner's folder, or what has been fetched of one; the folder that is gone.

        Raises: UnknownNameError when it is not here; InvalidRequestError when it is in a shared folder, or cannot be deleted.
        """
        from .fetching import DOWNLOADS, locked

        own = self.folders[0]
        if any(not part or part.startswith(".") or Path(part).name != part for part in (engine, name)):
            raise UnknownNameError(f"{engine}/{name} is no name of a model")
        staging = own / DOWNLOADS / engine / name
        target = self.installed(engine).get(name)
        if target is None and staging.is_dir():
            target = staging
        elif target is None:
            target = self._installed(engine, name)
        if not target.is_relative_to(own):
            raise InvalidRequestError(f"{target} is in a shared folder, which is only read; delete it on the machine that keeps it")
        try:
            staging.parent.mkdir(parents=True, exist_ok=True)
            with locked(staging.with_name(f"{name}.lock"), lambda: _LOGGER.warning("another process is fetching it; waiting for that")):
                gone = staging.with_name(f"{name}.removed")
                shutil.rmtree(gone, ignore_errors=True)
                if target != staging:
                    target.rename(gone)  # out of sight in one step
                shutil.rmtree(staging, ignore_errors=True)
                shutil.rmtree(gone, ignore_errors=True)
        except OSError as err:
            raise InvalidRequestError(f"{target} cannot be deleted: {err.strerror}") from err
        return target

    @functools.cached_property
    def catalogue(self) -> "Catalogue":
        """Everything that can be fetched.

        Raises: SettingsError when a catalogue file is wrong.
        """
        from . import catalogue

        return catalogue.load()

    def _fetchable(self, engine: str, name: str) -> "CatalogueModel":
        """The catalogue's entry of a model that is not here and that may be fetched without asking anybody.

        Raises: EngineUnavailableError.
        """
        if (engine, name) not in self._known:
            from . import catalogue

            everything = catalogue.load()  # not kept: a server needs one entry of hundreds
            model = everything.get(engine, name)
            if model is None:
                have = ", ".join(self.installed(engine)) or "none"
                hint = everything.hint(name, engine)
                raise EngineUnavailableError(f"has no model {name!r} in {self.folders[0] / engine} (there: {have}){hint}")
            self._known[engine, name] = model
        model = self._known[engine, name]
        self._may_fetch(model.title)
        if model.account:
            raise EngineUnavailableError(f"needs the model {name!r}, for which you need {model.account}: earshot models get {model.title}")
        return model

    def _may_fetch(self, title: str) -> None:
        own = self.folders[0]
        if self._section.offline:
            raise EngineUnavailableError(
                f"has no model {title.partition('/')[2]!r} in {own / title.partition('/')[0]}, and models.offline forbids to fetch it:"
                f" on a machine that may, `earshot models get {title}`, then copy that folder here"
            )
        nearest = next(folder for folder in (own, *own.parents) if folder.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            raise EngineUnavailableError(
                f"cannot fetch {title}: {nearest} cannot be written; set models.folder to a folder of your own"
                f" (this one may stay in models.shared)"
            )

    def _installed(self, engine: str, name: str) -> Path:
        if found := self.installed(engine).get(name):
            return found
        have = ", ".join(self.installed(engine)) or "none"
        raise UnknownNameError(f"no model {engine}/{name} in {', '.join(map(str, self.folders))} (of {engine} there: {have})")

    def _expected(self, engine: str, name: str, folder: Path) -> tuple[str, list[tuple[str, int | None, str]]]:
        """Where it is from that we know, and (path, size, sha256) of each file."""
        from .catalogue import MANIFEST

        try:
            values = json.loads((folder / MANIFEST).read_bytes())
            return "manifest", [(_inside(file["path"]), int(file["size_bytes"]), str(file["sha256"])) for file in values["files"]]
        except (OSError, ValueError, TypeError, KeyError):
            model = self.catalogue.get(engine, name)
        if model is None:
            return "", []
        return "catalogue", [(file.path, file.size_bytes, file.sha256) for file in model.files]


class _HereOnly(ModelStore):
    """What can be started without fetching anything."""

    def _fetchable(self, engine: str, name: str) -> "CatalogueModel":
        raise EngineUnavailableError(f"has no model {name!r} in {self.folders[0] / engine}")

    @property
    def catalogue(self) -> "Catalogue":
        """Nothing can be fetched."""
        raise EngineUnavailableError("has no model on this machine")


def _inside(path: str) -> str:
    """Raises: ValueError, TypeError when this path leads out of the folder it stands in."""
    if Path(path).is_absolute() or ".." in Path(path).parts:
        raise ValueError(path)
    return path


def _folders(folder: Path) -> list[Path]:
    """The visible folders in a folder, by name; none when it is not there."""
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError:
        return []


def _token(file: str) -> str:
    """The owner's Hugging Face token, from the environment or a file; empty when there is none.

    Raises: EngineUnavailableError when what there is cannot be read or is no token.
    """
    place, token = "HF_TOKEN in the environment", os.environ.get("HF_TOKEN", "").strip()
    if not token and file:
        path = Path(file).expanduser()
        place = f"models.token_file {path}"
        try:
            with path.open("rb") as opened:
                token = opened.read(_MAX_TOKEN_BYTES).decode("ascii", "replace").strip() or " "
        except OSError as err:
            raise EngineUnavailableError(f"{place} cannot be read: {err.strerror}") from None
    if token and not (token.isascii() and token.isprintable() and " " not in token):  # it becomes part of a request
        raise EngineUnavailableError(f"{place} holds no token")
    return token
