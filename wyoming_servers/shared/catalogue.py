"""The catalogue of models that can be fetched: what each is, who may use it, and its files with sizes and checksums."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote, urlsplit

import voluptuous as vol
import yaml

from . import paths
from .errors import SettingsError, UnknownNameError

FILE_NAME = "models.yaml"
MANIFEST = ".earshot-model"
"""File in a fetched model's folder that says where it is from; without a suffix, so that no engine takes it for its own."""
SERVER = "server"
"""`CatalogueModel.checksum` when none was published: the downloader checks what the server itself says."""

_NAME = re.compile(r"\w[\w.+-]*")  # letters of any alphabet: pt_PT-tugão-medium
_ATTEMPTS = 3  # similar names that an error proposes


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model."""

    path: str
    """Where it goes inside of the model's folder, with `/`."""
    url: str
    """Where it is fetched from."""
    size_bytes: int | None = None
    """None when it is not known before the server says it."""
    sha256: str = ""
    """Hex digest; empty when its publisher gives none."""
    md5: str = ""
    """Hex digest; for publishers that give nothing better."""


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """One model that can be fetched."""

    engine: str
    """Which engine uses it."""
    name: str
    """What the owner calls it; unique for its engine."""
    description: str
    """One line for people."""
    languages: tuple[str, ...]
    """BCP 47 tags; empty when it has nothing to do with a language."""
    licence: str
    """SPDX id of the model, not of the engine; NOASSERTION when it is not known here."""
    commercial_use: bool | None
    """False when the licence forbids it; None when that is not known here."""
    account: str
    """Which account is needed to fetch it, and what to do there; empty when none is."""
    source: str
    """Page about it."""
    files: tuple[ModelFile, ...]
    """What is fetched."""

    @property
    def title(self) -> str:
        """`engine/name`: unique, and accepted wherever a model is named."""
        return f"{self.engine}/{self.name}"

    @property
    def size_bytes(self) -> int | None:
        """Size of all files; None when one is not known."""
        sizes = [file.size_bytes for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    @property
    def checksum(self) -> str:
        """How well its large files are known: "sha256", "md5" (against mishaps, not against malice), or SERVER."""
        biggest = max(file.size_bytes or 0 for file in self.files)
        large = [file for file in self.files if file.size_bytes is None or file.size_bytes * 20 > biggest]
        if all(file.sha256 for file in large):
            return "sha256"
        return "md5" if all(file.sha256 or file.md5 for file in large) else SERVER

    @property
    def terms(self) -> str:
        """What has to be accepted before it is fetched, as one sentence; empty when there is nothing special."""
        said = []
        if self.commercial_use is False:
            said.append(f"its licence, {self.licence}, does not allow commercial use")
        if self.account:
            said.append(f"it needs {self.account}")
        return "; ".join(said)


class Catalogue:
    """The models that can be fetched. Immutable."""

    def __init__(self, models: Iterable[CatalogueModel] = ()) -> None:
        self._models = {(model.engine, model.name): model for model in models}

    def __iter__(self) -> Any:
        return iter(self._models.values())

    def __len__(self) -> int:
        return len(self._models)

    def of(self, engine: str) -> list[CatalogueModel]:
        """Every model of one engine, in the catalogue's order."""
        return [model for model in self if model.engine == engine]

    def get(self, engine: str, name: str) -> CatalogueModel | None:
        """One model, or None."""
        return self._models.get((engine, name))

    def find(self, wanted: str, engine: str = "") -> CatalogueModel:
        """The model an owner means with `name` or `engine/name`.

        Raises: UnknownNameError with similar names, or with the engines that share the name.
        """
        slash = wanted.partition("/")
        if slash[1] and any(model.engine == slash[0] for model in self):
            engine, wanted = engine or slash[0], slash[2]
        found = [model for model in self if model.name == wanted and engine in ("", model.engine)]
        if len(found) == 1:
            return found[0]
        if found:
            raise UnknownNameError(f"several engines have a model {wanted!r}: {', '.join(model.title for model in found)}")
        raise UnknownNameError(f"no model {wanted!r}{f' of {engine}' if engine else ''} in the catalogue{self.hint(wanted, engine)}")

    def hint(self, wanted: str, engine: str = "") -> str:
        """`; did you mean …?` with similar names, or where to look for them."""
        known: dict[str, str] = {}
        for model in self:
            if engine in ("", model.engine):
                known.setdefault(model.name.casefold(), model.name)
        near = difflib.get_close_matches(wanted.casefold(), known, n=_ATTEMPTS, cutoff=0.6)
        near += [name for name in known if wanted.casefold() in name and name not in near][:_ATTEMPTS]
        if near:
            return f"; did you mean {', '.join(known[name] for name in near)}?"
        return f"; `earshot models list{f' --engine {engine}' if engine else ''}` shows all"


def load() -> Catalogue:
    """The shipped catalogue with the owner's models.yaml, in Earshot's settings folder, on top. Takes about a tenth of a second.

    Raises: SettingsError that names the file, the entry and what is wrong with it.
    """
    models = {(model.engine, model.name): model for model in read(paths.content("config") / FILE_NAME)}
    own = paths.config_dir() / FILE_NAME
    if own.exists():
        models |= {(model.engine, model.name): model for model in read(own)}
    return Catalogue(models.values())


def read(path: Path) -> list[CatalogueModel]:
    """The models of one file.

    Raises: SettingsError that names the file, the entry and what is wrong with it.
    """
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except OSError as err:
        raise SettingsError(f"catalogue {path} cannot be read: {err.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise SettingsError(f"catalogue {path} is not YAML: {err}") from None
    return parse(values or {}, str(path))


def parse(values: Any, file: str) -> list[CatalogueModel]:
    """Checked entries, `{engine: {name: {description, …}}}`; `file` is what an error calls their place.

    Raises: SettingsError that names the file, the entry and what is wrong with it.
    """
    if not isinstance(values, Mapping):
        raise SettingsError(f"{file}: must hold `engine:` with `name:` below it")
    found = []
    for engine, entries in values.items():
        if not isinstance(entries, Mapping):
            raise SettingsError(f"{file}: {engine}: must hold the names of models")
        for name, entry in entries.items():
            try:
                found.append(_model(_name(engine), _name(name), _ENTRY(entry)))
            except vol.Invalid as err:
                raise SettingsError(f"{file}: {engine}/{name}: {_explain(err)}") from None
    return found


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the one in C is ten times as fast
    """A safe loader that refuses a name given twice, which YAML lets pass."""

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """A mapping with each key once."""
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"{key.value!r} is there twice", key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _model(engine: str, name: str, entry: dict[str, Any]) -> CatalogueModel:
    base = entry.pop("base", "")
    taken: set[str] = set()
    files = []
    for file in entry.pop("files"):
        if file["path"].casefold() in taken:
            raise vol.Invalid(f"files: {file['path']} is there twice")
        taken.add(file["path"].casefold())
        if not file.get("url") and not base:
            raise vol.Invalid(f"files: {file['path']} has no url, and the model has no base")
        files.append(ModelFile(**file | {"url": file.get("url") or base + quote(file["path"])}))
    languages = tuple(entry.pop("languages"))
    return CatalogueModel(engine, name, languages=languages, files=tuple(files), **entry)


def _explain(problem: vol.Invalid) -> str:
    first = problem.errors[0] if isinstance(problem, vol.MultipleInvalid) else problem
    place = ".".join(str(part) for part in first.path)
    return f"{place}: {first.error_message}" if place else str(first.error_message)


def _name(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise vol.Invalid(f"{value!r} is no name of letters, digits and . _ + - (numbers and yes/no in quotes)")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise vol.Invalid(f"{value!r} is not one line of text")
    return value


def _tag(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", value):
        raise vol.Invalid(f"{value!r} is no BCP 47 tag (quote `no`)")
    return value


def _address(value: Any) -> str:
    parts = urlsplit(_text(value))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or " " in value:
        raise vol.Invalid(f"{value!r} is no http or https address")
    return value


def _folder_address(value: Any) -> str:
    return _address(value).rstrip("/") + "/"


def _inside(value: Any) -> str:
    path = PurePosixPath(_text(value))
    parts = path.parts
    if (
        not parts
        or path.is_absolute()
        or str(path) != value
        or "\\" in value
        or ":" in value
        or any(part.startswith(".") for part in parts)
    ):
        raise vol.Invalid(f"{value!r} must be a plain path inside of the model's folder")
    return value


def _size(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise vol.Invalid(f"{value!r} is no size in bytes")
    return value


def _digest(digits: int) -> Any:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(f"[0-9a-fA-F]{{{digits}}}", value):
            raise vol.Invalid(f"{value!r} is not {digits} hexadecimal digits (in quotes if it has no letter)")
        return value.lower()

    return check


_FILE = vol.Schema(
    {
        vol.Required("path"): _inside,
        "url": _address,
        "size_bytes": _size,
        "sha256": _digest(64),
        "md5": _digest(32),
    }
)
_ENTRY = vol.Schema(
    {
        vol.Required("description"): _text,
        vol.Required("languages"): [_tag],
        vol.Required("licence"): _text,
        vol.Optional("commercial_use", default=None): vol.Any(None, bool, msg="must be true, false, or left out when it is not known"),
        vol.Optional("account", default=""): vol.Any("", _text),
        vol.Required("source"): _address,
        "base": _folder_address,
        vol.Required("files"): vol.All([_FILE], vol.Length(min=1, msg="needs at least one file")),
    }
)
