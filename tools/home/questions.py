"""What devices are asked: how one is, which of them are on, how warm it is."""

from collections.abc import Sequence
from typing import Any

from wyoming_servers.shared.errors import ToolError
from wyoming_servers.shared.tool import Devices, Entity, EntityState, ToolContext, ToolResult

from .choosing import Chooser, Which
from .wording import Wording

_STATES_ALIKE = {"open": {"open", "opening"}, "closed": {"closed"}}


def told(args: Any, devices: Devices, wording: Wording, context: ToolContext) -> ToolResult:
    """The answer to a question about states.

    Raises: ToolError.
    """
    everywhere = not args.name
    meant = Chooser(devices, wording, context).meant(args, lambda _entity: True, everywhere=everywhere)
    if isinstance(meant, Which):
        return ToolResult(meant.text, ask=meant.argument, undo={})
    known = [(entity, state) for entity in meant if (state := devices.state(entity.id)) and state.known]
    if not known:
        raise ToolError(wording.say("silent", name=wording.names(meant)))
    data = {"states": {entity.id: state.value for entity, state in known}}
    if not args.state:
        return ToolResult(" ".join(wording.are([entity], wording.state(entity, state)) for entity, state in known[:5]), data, undo={})
    alike = _STATES_ALIKE.get(args.state, {args.state})
    matched = [entity for entity, state in known if state.value in alike]
    return ToolResult(_sentence(args, known, matched, wording), data | {"matched": [entity.id for entity in matched]}, undo={})


def _sentence(args: Any, known: Sequence[tuple[Entity, EntityState]], matched: Sequence[Entity], wording: Wording) -> str:
    others = [(entity, state) for entity, state in known if entity not in matched]
    form = args.response or "one_yesno"
    if form == "how_many":
        return wording.say("how_many", n=wording.quantity(len(matched), ""))
    if form == "which":
        return wording.say("which_are", names=wording.listed(matched)) if matched else wording.say("none")
    if form == "any":
        return wording.say("yes_these", names=wording.listed(matched)) if matched else wording.say("no")
    if form == "all" and others:
        return wording.say("no_not_these", names=wording.listed([entity for entity, _ in others]))
    entity, state = others[0] if others else known[0]
    if len(known) > 1 and matched and others:
        return wording.say("yes_these", names=wording.listed(matched))
    if len(known) > 1:
        return wording.say("yes" if matched else "no")
    answer = wording.are([entity], wording.state(entity, state))
    return wording.say("no_but" if others else "yes_so", answer=answer)


def warmth(args: Any, devices: Devices, wording: Wording, context: ToolContext) -> ToolResult:
    """How warm it is somewhere: what a thermostat measures, else a thermometer.

    Raises: ToolError.
    """
    chooser = Chooser(devices, wording, context)
    if args.name:
        meant = chooser.meant(args, lambda entity: _measures(entity, devices))
    else:
        meant = chooser.near([entity for entity in devices.entities() if _measures(entity, devices)], args)
    if isinstance(meant, Which):
        return ToolResult(meant.text, ask=meant.argument, undo={})
    best = sorted(meant, key=lambda entity: entity.domain != "climate")[0]
    state = devices.state(best.id)
    value = _temperature(best, state) if state else None
    if state is None or value is None:
        raise ToolError(wording.say("silent", name=best.name))
    unit = str(state.attributes.get("temperature_unit") or state.attributes.get("unit_of_measurement") or "°C")
    answer = wording.say("warmth", degrees=wording.quantity(value, unit), area=best.area or best.name)
    return ToolResult(answer, {"temperature": value, "entity": best.id}, undo={})


def _measures(entity: Entity, devices: Devices) -> bool:
    state = devices.state(entity.id)
    return state is not None and _temperature(entity, state) is not None


def _temperature(entity: Entity, state: EntityState) -> float | None:
    value = state.attributes.get("current_temperature") if entity.domain == "climate" else state.value
    if entity.domain != "climate" and entity.device_class != "temperature":
        return None
    try:
        return float(str(value))
    except ValueError:
        return None
