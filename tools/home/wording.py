"""What is said of devices. `{name} is {state}` goes without gender in every language there are sentences for."""

import re
from collections.abc import Sequence
from typing import Any

from wyoming_servers.shared.tool import Entity, EntityState, Phrases

_MOST_NAMES = 4
_TOLD_APART = frozenset({"light", "climate", "media_player"})
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_UNITS = {"°C": "degrees", "°F": "degrees", "%": "percent"}
_CLASSES_LIKE_DOORS = frozenset({"door", "garage_door", "opening", "window"})
_YES_NO = {
    "moisture": "moisture",
    "motion": "motion",
    "occupancy": "motion",
    "presence": "motion",
    "smoke": "smoke",
    "lock": "unlocked",
    "battery": "battery_low",
    "problem": "problem",
}
"""Kinds of sensors whose `on` and `off` mean something else: the state that `on` is, and with `no_` that `off` is."""


class Wording:
    """The tool's sentences in one language."""

    def __init__(self, phrases: Phrases) -> None:
        self._phrases = phrases

    def say(self, key: str, **values: Any) -> str:
        """A sentence."""
        return self._phrases.say(key, **values)

    def not_set_up(self, action: str, domain: str | None) -> str:
        """That there is no Home Assistant, by what was wanted of it."""
        kind = {"state": "states", "temperature": "temperatures"}.get(action) or (domain if domain in _TOLD_APART else "devices")
        return self.say(f"not_{kind}")

    def either(self, key: str, choices: Sequence[str], **values: Any) -> str:
        """A question with its choices: `the desk lamp or the floor lamp`."""
        shown = choices if len(choices) <= _MOST_NAMES else choices[:_MOST_NAMES]
        joined = shown[0] if len(shown) == 1 else self.say("or", first=", ".join(shown[:-1]), last=shown[-1])
        return self.say(key, choices=joined, **values)

    def are(self, entities: Sequence[Entity], state: str) -> str:
        """`Bed Lamp is on.`, `Five devices are on.`"""
        if len(entities) == 1:
            return self.say("is", name=entities[0].name, state=state)
        return _upper(self.say("are", names=self.names(entities), state=state))

    def at(self, entities: Sequence[Entity], percent: float) -> str:
        """`Bed Lamp is at fifty percent.`"""
        number = self._phrases.number(round(percent), 0)
        if len(entities) == 1:
            return self.say("is_at", name=entities[0].name, percent=number)
        return _upper(self.say("are_at", names=self.names(entities), percent=number))

    def set_to(self, entities: Sequence[Entity], degrees: float) -> str:
        """`Thermostat is set to twenty-one degrees.`"""
        return _upper(self.say("set_to", name=self.names(entities), value=self.quantity(degrees, "°C")))

    def names(self, entities: Sequence[Entity]) -> str:
        """All names, or how many they are."""
        if len(entities) <= _MOST_NAMES:
            return self._phrases.join([entity.name for entity in entities])
        return self._phrases.count("lights" if all(entity.domain == "light" for entity in entities) else "devices", len(entities))

    def listed(self, entities: Sequence[Entity]) -> str:
        """The names themselves, however many: an answer to `which`."""
        return self._phrases.join(list(dict.fromkeys(entity.name for entity in entities)))

    def state(self, entity: Entity, state: EntityState) -> str:
        """How a device is: `on`, `closed`, `21.5 degrees`."""
        value = state.value
        if entity.domain in ("sensor", "number", "input_number") and _NUMBER.fullmatch(value):
            unit = str(state.attributes.get("unit_of_measurement") or "")
            return self.quantity(float(value), unit)
        kind = entity.device_class
        if entity.domain == "binary_sensor" and value in ("on", "off"):
            if kind in _CLASSES_LIKE_DOORS:
                value = "open" if value == "on" else "closed"
            elif kind in _YES_NO:
                value = _YES_NO[kind] if value == "on" else f"no_{_YES_NO[kind]}"
        try:
            return self.say(f"state_{value}")
        except KeyError:
            return value.replace("_", " ")

    def quantity(self, value: float, unit: str) -> str:
        """`twenty point five degrees`."""
        number = self._phrases.number(value)
        return self._phrases.count(_UNITS[unit], value, n=number) if unit in _UNITS else f"{number} {unit}".strip()

    def none_of(self, domain: str | None, area: str) -> str:
        """That there is nothing of this kind."""
        key = f"no_{domain}"
        try:
            kind = self.say(key)
        except KeyError:
            kind = self.say("no_thing")
        return self.say("none_there", kind=kind, area=area) if area else self.say("none_at_all", kind=kind)


def _upper(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
