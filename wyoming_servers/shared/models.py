"""Models of engines: which are on this machine, which can be fetched, and fetching them."""

from pathlib import Path

from . import paths
from .errors import EngineUnavailableError
from .settings import ModelsSection


class ModelStore:
    """The owner's models folder and the shared ones, each with one folder per model: `<engine>/<name>/`.

    A folder that the owner filled by hand counts as much as a downloaded one. Use it on any thread but an event loop's.
    """

    def __init__(self, section: ModelsSection | None = None) -> None:
        self._section = section or ModelsSection()

    @property
    def folders(self) -> tuple[Path, ...]:
        """Where models are looked for; the first is the owner's, the only one written to."""
        own = Path(self._section.folder).expanduser() if self._section.folder else paths.data_dir() / "models"
        return (own, *(Path(folder).expanduser() for folder in self._section.shared))

    def installed(self, engine: str) -> dict[str, Path]:
        """Name → folder of every model of this engine on this machine. Reads folders, never a model."""
        found: dict[str, Path] = {}
        for folder in self.folders:
            here = folder / engine
            if here.is_dir():
                for model in sorted(here.iterdir()):
                    if model.is_dir() and not model.name.startswith("."):
                        found.setdefault(model.name, model)
        return found

    def locate(self, engine: str, name: str) -> Path | None:
        """The model's folder; None when it is not here yet and `ensure` will fetch it. Cheap.

        Raises: EngineUnavailableError that says why it is neither here nor to be had, and the next step.
        """
        if found := self.installed(engine).get(name):
            return found
        have = ", ".join(self.installed(engine)) or "none"
        raise EngineUnavailableError(f"has no model {name!r} in {self.folders[0] / engine} (there: {have})")

    def ensure(self, engine: str, name: str) -> Path:
        """The model's folder; downloads it first when it is not here. Blocks, for minutes if need be, and logs how far it is.

        Raises: EngineUnavailableError as `locate` does, or when the download failed.
        """
        path = self.locate(engine, name)
        assert path is not None
        return path
