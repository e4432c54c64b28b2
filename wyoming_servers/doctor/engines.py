"""Engines and their models: what is used, what better ones lack, how large they are, and on what terms they may be used."""

from pathlib import Path

from .. import services
from ..commands.engines import EngineState, states_of
from ..shared import end_of_turn as melody
from ..shared.catalogue import CatalogueModel
from ..shared.engines import EngineContext
from ..shared.errors import AssistantError
from ..shared.models import ModelStore
from .finding import Finding, Visit, failure, note, ok

_PRIVATE = ("NC", "non-commercial")


def engines(visit: Visit) -> list[Finding]:
    """Which engine each server would take, and what those before it lack."""
    found = []
    for kind in services.ENGINES:
        listed = states_of(kind, visit.settings)
        taken = next((state for state in listed if state.state.startswith("in use")), None)
        wanted = getattr(visit.settings, kind).engine
        if taken is None:
            lacks = next((state.state for state in listed if state.name == wanted), "none can run here")
            found.append(failure(f"{kind}: no engine ({wanted}: {lacks})", "earshot engines", kind=kind))
            continue
        text = f"{kind}: {taken.name} is {taken.state}"
        better = listed[: listed.index(taken)] if wanted == "auto" else []
        mend = next((command for state in better if (command := _command(state))), "")
        data = {"kind": kind, "engine": taken.name, "better": [state.name for state in better]}
        if mend:
            found.append(note(f"{text}; {' and '.join(state.name for state in better)} would come before it", mend, **data))
        else:
            found.append(ok(text, **data))
    return found


def end_of_turn(visit: Visit) -> list[Finding]:
    """The model that hears from the voice whether somebody has finished."""
    wanted = visit.settings.satellite.end_of_turn
    if wanted == melody.NONE:
        return [note("satellite.end_of_turn is none: only the words tell whether somebody has finished")]
    try:
        obstacle = melody.obstacle(wanted, EngineContext(language=visit.settings.language, store=ModelStore(visit.settings.models)))
    except AssistantError as err:
        return [failure(f"satellite.end_of_turn: {err}", "set it to auto, none, a name or a file: earshot models list")]
    if not obstacle:
        return [ok("a model hears from the voice whether somebody has finished", end_of_turn=wanted)]
    text, _, command = obstacle.partition(": ")
    if wanted == melody.AUTO:
        return [note(f"only the words tell whether somebody has finished; {text}", command, end_of_turn=wanted)]
    return [failure(f"satellite.end_of_turn: {text}", command, end_of_turn=wanted)]


def models(visit: Visit) -> list[Finding]:
    """Models on this machine and their size."""
    store = ModelStore(visit.settings.models)
    installed = [(engine, name, folder) for engine in store.engines() for name, folder in store.installed(engine).items()]
    found = []
    for engine, name, folder in installed:
        size_mb = _size_mb(folder)
        if not size_mb:
            mend = f"earshot models remove {engine}/{name} && earshot models get {engine}/{name}"
            found.append(failure(f"the model {engine}/{name} in {folder} is empty", mend, model=f"{engine}/{name}"))
        else:
            found.append(ok(f"{engine}/{name}: {size_mb:.0f} MB in {folder}", model=f"{engine}/{name}", size_mb=round(size_mb, 1)))
    if not installed:
        return [note(f"no models in {store.folders[0]}: the engines that bring theirs along are used", "earshot models list")]
    return [*found, note("`earshot models verify` compares every file with its checksum; that takes a while", "earshot models verify")]


def licences(visit: Visit) -> list[Finding]:
    """On what terms the engines in use, and their models, may be used."""
    store = ModelStore(visit.settings.models)
    found = []
    for kind in services.ENGINES:
        for state in states_of(kind, visit.settings):
            if state.state.startswith("in use"):
                found.append(_licence(f"{kind}: {state.name}", state.licence, _is_private(state.licence), ""))
                known = [(name, store.catalogue.get(state.name, name)) for name in store.installed(state.name)]
                found += [_model_licence(state.name, name, model) for name, model in known]
    return found


def _model_licence(engine: str, name: str, model: CatalogueModel | None) -> Finding:
    if model is None:
        return note(f"{engine}/{name} is your own: on what terms it may be used is not known here", model=f"{engine}/{name}")
    licence = "not known here, see its page" if model.licence == "NOASSERTION" else model.licence
    return _licence(f"{engine}/{name}", licence, model.commercial_use is False, model.source)


def _licence(what: str, licence: str, private: bool, page: str) -> Finding:
    data = {"what": what, "licence": licence, "commercial_use": not private, "page": page}
    if private:
        return note(
            f"{what}: {licence}; not for commercial use", "at home nothing has to be done; else choose another one: earshot engines", **data
        )
    return ok(f"{what}: {licence}", **data)


def _is_private(licence: str) -> bool:
    return any(mark in licence for mark in _PRIVATE)


def _command(state: EngineState) -> str:
    """The command in what an engine lacks (`needs x: COMMAND`); empty when there is none."""
    _, _, command = state.state.rpartition(": ")
    return command if command.startswith(("script/", "pip ", "earshot ", "sudo ")) else ""


def _size_mb(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6
