"""`earshot models`: what can be fetched, fetching it, checking it, deleting it."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ..shared.catalogue import SERVER, CatalogueModel
from ..shared.errors import AssistantError, InvalidRequestError
from ..shared.models import ModelStore
from ..shared.progress import BarProgress, LineProgress, size
from .common import load_settings, settings_arguments

_LANGUAGES_SHOWN = 3


def arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the four actions."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    shown = actions.add_parser("list", help="what can be fetched, and what is here")
    shown.add_argument("--engine", default="", metavar="E", help="only models of this engine")
    shown.add_argument("--installed", action="store_true", help="only what is on this machine")
    shown.add_argument("--json", action="store_true", help="as JSON, with files and checksums")
    get = actions.add_parser("get", help="fetch models; what was begun before is continued")
    get.add_argument("names", nargs="+", metavar="NAME", help="name, or engine/name")
    get.add_argument("--engine", default="", metavar="E", help="the engine, when several have a model of that name")
    get.add_argument("--accept-licence", action="store_true", help="accept the terms of these models without being asked")
    verify = actions.add_parser("verify", help="read every file and compare its checksum")
    verify.add_argument("names", nargs="*", metavar="NAME", help="name, or engine/name; none means every model here")
    verify.add_argument("--engine", default="", metavar="E", help="the engine, when several have a model of that name")
    remove = actions.add_parser("remove", help="delete models from your own folder")
    remove.add_argument("names", nargs="+", metavar="NAME", help="name, or engine/name")
    remove.add_argument("--engine", default="", metavar="E", help="the engine, when several have a model of that name")
    for action in (shown, get, verify, remove):
        settings_arguments(action)


def run(args: argparse.Namespace) -> int:
    """Exit 0 when everything asked for was done and is right.

    Raises: AssistantError.
    """
    store = ModelStore(load_settings(args).models)
    return {"list": _list, "get": _get, "verify": _verify, "remove": _remove}[args.action](store, args)


def _list(store: ModelStore, args: argparse.Namespace) -> int:
    rows = []
    for engine in sorted({*(model.engine for model in store.catalogue), *store.engines()}):
        if args.engine in ("", engine):
            here = store.installed(engine)
            known = {model.name: model for model in store.catalogue.of(engine)}
            names = [*known, *(name for name in here if name not in known)]
            rows += [_row(engine, name, known.get(name), here.get(name)) for name in names if name in here or not args.installed]
    if args.engine and not rows and not args.installed:
        engines = sorted({model.engine for model in store.catalogue})
        raise InvalidRequestError(f"no models of an engine {args.engine!r}; there are: {', '.join(engines)}")
    if args.json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return 0
    engine = ""
    for row in rows:
        if row["engine"] != engine:
            engine = row["engine"]
            print(f"{engine}  ({store.folders[0] / engine})")
        print(f"  {_line(row)}")
    if not rows:
        print(f"No models in {', '.join(map(str, store.folders))}.")
    return 0


def _row(engine: str, name: str, model: CatalogueModel | None, folder: Path | None) -> dict[str, Any]:
    row: dict[str, Any] = {"engine": engine, "name": name, "installed": folder is not None, "folder": str(folder) if folder else None}
    if model is None:
        return row | {"catalogue": False}
    return row | {
        "catalogue": True,
        "description": model.description,
        "languages": list(model.languages),
        "size_bytes": model.size_bytes,
        "licence": model.licence,
        "commercial_use": model.commercial_use,
        "account": model.account,
        "checksum": model.checksum,
        "source": model.source,
        "files": [
            {"path": file.path, "url": file.url, "size_bytes": file.size_bytes, "sha256": file.sha256, "md5": file.md5}
            for file in model.files
        ],
    }


def _line(row: dict[str, Any]) -> str:
    mark = "*" if row["installed"] else " "
    if not row["catalogue"]:
        return f"{mark} {row['name']:<34} your own, in {row['folder']}"
    spoken = row["languages"]
    languages = ", ".join(spoken[:_LANGUAGES_SHOWN]) + (
        f" and {len(spoken) - _LANGUAGES_SHOWN} more" if len(spoken) > _LANGUAGES_SHOWN else ""
    )
    large = size(row["size_bytes"]) if row["size_bytes"] else "size unknown"
    notes = [_licence(row["licence"])]
    if row["commercial_use"] is False:
        notes.append("not for commercial use")
    if row["account"]:
        notes.append("needs an account")
    if row["checksum"] == SERVER:
        notes.append("checksum only from the server")
    return f"{mark} {row['name']:<34} {large:>12}  {languages or '-':<22} {'; '.join(notes)}"


def _licence(spdx: str) -> str:
    return "licence not known here, see its page" if spdx == "NOASSERTION" else spdx.removeprefix("LicenseRef-")


def _get(store: ModelStore, args: argparse.Namespace) -> int:
    models = [store.catalogue.find(name, args.engine) for name in args.names]
    failed = 0
    for model in models:
        if here := store.installed(model.engine).get(model.name):
            print(f"{model.title} is here already: {here}")
            continue
        _tell(model)
        _accept(model, args.accept_licence)
        try:
            path = store.fetch(model, BarProgress() if sys.stderr.isatty() else LineProgress())
        except AssistantError as err:
            print(f"earshot: {err}", file=sys.stderr)
            failed += 1
            continue
        print(f"{model.title} is in {path}")
    return 1 if failed else 0


def _tell(model: CatalogueModel) -> None:
    large = size(model.size_bytes) if model.size_bytes else "size unknown"
    print(f"{model.title}: {model.description}; {large}; {_licence(model.licence)}; {model.source}")
    if model.checksum == SERVER:
        print("  Its publisher gives no checksums: they are taken from the server it is fetched from.")


def _accept(model: CatalogueModel, accepted: bool) -> None:
    """Asks for what has to be agreed to.

    Raises: InvalidRequestError when it is not.
    """
    if not model.terms:
        return
    print(f"  Note: {model.terms}.")
    if accepted:
        return
    if not sys.stdin.isatty():
        raise InvalidRequestError(f"{model.title}: {model.terms}; to fetch it all the same, add --accept-licence")
    try:
        answer = input("  Fetch it all the same? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().casefold() not in ("y", "yes"):
        raise InvalidRequestError(f"{model.title} was not fetched")


def _verify(store: ModelStore, args: argparse.Namespace) -> int:
    wanted = [_here(store, name, args.engine) for name in args.names]
    if not args.names:
        wanted = [(engine, name) for engine in store.engines() if args.engine in ("", engine) for name in store.installed(engine)]
    wrong = 0
    for engine, name in wanted:
        found = store.verify(engine, name)
        if found.problems:
            wrong += 1
            print(
                f"{engine}/{name} is damaged: {'; '.join(found.problems)}. To fetch it anew: earshot models remove {engine}/{name}"
                f" && earshot models get {engine}/{name}"
            )
        elif not found.against:
            print(f"{engine}/{name}: your own, nothing to compare it with")
        else:
            print(f"{engine}/{name} is right ({found.files} {'file' if found.files == 1 else 'files'} compared with the {found.against})")
    if not wanted:
        print(f"No models in {', '.join(map(str, store.folders))}.")
    return 1 if wrong else 0


def _remove(store: ModelStore, args: argparse.Namespace) -> int:
    for engine, name in [_here(store, name, args.engine) for name in args.names]:
        print(f"Deleted {store.remove(engine, name)}")
    return 0


def _here(store: ModelStore, wanted: str, engine: str) -> tuple[str, str]:
    """(engine, name) of an installed model; of the catalogue's when nothing here is called so.

    Raises: UnknownNameError; InvalidRequestError when several engines have one.
    """
    first, slash, rest = wanted.partition("/")
    if slash:
        engine, wanted = first, rest
    found = [one for one in store.engines() if engine in ("", one) and wanted in store.installed(one)]
    if len(found) == 1:
        return found[0], wanted
    if found:
        raise InvalidRequestError(f"several engines have a model {wanted!r}: {', '.join(f'{one}/{wanted}' for one in found)}")
    model = store.catalogue.find(wanted, engine)
    return model.engine, model.name
