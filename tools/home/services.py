"""What is called in Home Assistant for each thing people want, and how a device is when it has done it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from wyoming_servers.shared.tool import Entity, EntityState

Done = Callable[[EntityState], bool]
_SWITCHED = frozenset(
    {
        *("light", "switch", "fan", "input_boolean", "media_player", "climate", "humidifier", "siren", "remote"),
        *("automation", "water_heater", "group"),
    }
)
_PRESSED = {"scene": "turn_on", "script": "turn_on", "button": "press", "input_button": "press"}
"""These are set off; there is nothing to see of it."""
_NEAR = {"brightness": 4.0, "volume_level": 0.02, "temperature": 0.3, "percentage": 10.0, "current_position": 5.0}
"""How close to what was asked a device may stop: steps of its own."""
_KELVIN = 1000
"""From here on a temperature is a light's colour."""


@dataclass(frozen=True)
class Service:
    """One call."""

    name: str
    """`light.turn_on`."""
    data: Mapping[str, Any] = field(default_factory=dict)
    done: Done | None = None
    """True of a device that has done it; None when nothing can be seen of it."""
    undo: str = ""
    """The action that takes it back; empty when none does."""


def service(action: str, args: Any, entity: Entity, state: EntityState | None) -> Service | None:
    """How a device is made to do something; None when it cannot."""
    simple = _SIMPLE.get((action, entity.domain)) or _switched(action, entity.domain)
    if simple:
        return simple
    if action == "toggle":
        return _toggled(args, entity, state)
    if action == "set":
        return _set(args, entity, state)
    return None


def _is(*values: str) -> Done:
    return lambda state: state.value in values


def _is_not(*values: str) -> Done:
    return lambda state: state.known and state.value not in values


_OPEN = Service("cover.open_cover", done=_is("open", "opening"), undo="off")
_CLOSE = Service("cover.close_cover", done=_is("closed", "closing"))
_SIMPLE: dict[tuple[str, str], Service] = {
    ("on", "cover"): _OPEN,
    ("open", "cover"): _OPEN,
    ("off", "cover"): _CLOSE,
    ("close", "cover"): _CLOSE,
    ("stop", "cover"): Service("cover.stop_cover"),
    ("on", "valve"): Service("valve.open_valve", done=_is("open", "opening"), undo="off"),
    ("open", "valve"): Service("valve.open_valve", done=_is("open", "opening"), undo="off"),
    ("off", "valve"): Service("valve.close_valve", done=_is("closed", "closing")),
    ("close", "valve"): Service("valve.close_valve", done=_is("closed", "closing")),
    ("on", "lock"): Service("lock.lock", done=_is("locked", "locking")),
    ("lock", "lock"): Service("lock.lock", done=_is("locked", "locking")),
    ("off", "lock"): Service("lock.unlock", done=_is("unlocked", "unlocking", "open", "opening"), undo="on"),
    ("unlock", "lock"): Service("lock.unlock", done=_is("unlocked", "unlocking", "open", "opening"), undo="on"),
    ("on", "vacuum"): Service("vacuum.start", done=_is("cleaning")),
    ("start", "vacuum"): Service("vacuum.start", done=_is("cleaning")),
    ("dock", "vacuum"): Service("vacuum.return_to_base", done=_is("returning", "docked")),
    ("off", "vacuum"): Service("vacuum.return_to_base", done=_is("returning", "docked")),
    ("start", "lawn_mower"): Service("lawn_mower.start_mowing", done=_is("mowing")),
    ("dock", "lawn_mower"): Service("lawn_mower.dock", done=_is("returning", "docked")),
    ("play", "media_player"): Service("media_player.media_play", done=_is("playing", "buffering"), undo="pause"),
    ("pause", "media_player"): Service("media_player.media_pause", done=_is_not("playing", "buffering"), undo="play"),
    ("next", "media_player"): Service("media_player.media_next_track"),
    ("previous", "media_player"): Service("media_player.media_previous_track"),
    ("mute", "media_player"): Service("media_player.volume_mute", {"is_volume_muted": True}, lambda state: _muted(state), "unmute"),
    ("unmute", "media_player"): Service("media_player.volume_mute", {"is_volume_muted": False}, lambda state: not _muted(state), "mute"),
}


def _switched(action: str, domain: str) -> Service | None:
    if action == "on" and domain in _PRESSED:
        return Service(f"{domain}.{_PRESSED[domain]}")
    if action not in ("on", "off") or domain not in _SWITCHED:
        return None
    off = ("off", "standby") if domain == "media_player" else ("off",)
    if action == "on":
        return Service(f"{domain}.turn_on", done=_is_not(*off), undo="off")
    return Service(f"{domain}.turn_off", done=_is(*off), undo="on")


def _toggled(args: Any, entity: Entity, state: EntityState | None) -> Service | None:
    """The other of two, so that what comes of it is known."""
    if state is None:
        return None
    active = state.value in ("on", "open", "opening", "playing", "unlocked") or (entity.domain == "climate" and state.value != "off")
    return service("off" if active else "on", args, entity, state)


def _set(args: Any, entity: Entity, state: EntityState | None) -> Service | None:
    if entity.domain == "light":
        return _light(args)
    if entity.domain == "climate" and args.temperature is not None:
        return Service("climate.set_temperature", {"temperature": args.temperature}, _near("temperature", args.temperature))
    if entity.domain in ("cover", "valve") and args.position is not None:
        reached = _near("current_position", args.position)
        moving = _is("opening", "closing")
        name = f"{entity.domain}.set_{entity.domain}_position"
        return Service(name, {"position": args.position}, lambda state: moving(state) or reached(state))
    if entity.domain == "fan" and args.percentage is not None:
        return Service("fan.set_percentage", {"percentage": args.percentage}, _near("percentage", args.percentage))
    if entity.domain == "media_player":
        return _volume(args, state)
    return None


def _light(args: Any) -> Service | None:
    if args.brightness is not None:
        wanted, off = _near("brightness", args.brightness * 2.55), _is("off")
        done: Done = wanted if args.brightness else lambda state: off(state) or wanted(state)
        return Service("light.turn_on", {"brightness_pct": args.brightness}, done)
    if args.color:
        return Service("light.turn_on", {"color_name": args.color}, _is("on"))
    if args.temperature is not None and args.temperature >= _KELVIN:
        return Service("light.turn_on", {"color_temp_kelvin": round(args.temperature)}, _is("on"))
    return None


def _volume(args: Any, state: EntityState | None) -> Service | None:
    level = args.volume_level
    if level is None and args.volume_step is not None:
        before = state.attributes.get("volume_level") if state else None
        by = {"up": 10, "down": -10}.get(args.volume_step)
        try:
            by = int(args.volume_step) if by is None else by
        except ValueError:
            return None
        if not isinstance(before, int | float):
            return Service("media_player.volume_up" if by > 0 else "media_player.volume_down")
        level = max(0, min(100, round(100 * before) + by))
    if level is None:
        return None
    return Service("media_player.volume_set", {"volume_level": level / 100}, _near("volume_level", level / 100))


def _near(attribute: str, wanted: float) -> Done:
    def done(state: EntityState) -> bool:
        value = state.attributes.get(attribute)
        return isinstance(value, int | float) and abs(value - wanted) <= _NEAR[attribute]

    return done


def _muted(state: EntityState) -> bool:
    return state.attributes.get("is_volume_muted") is True
