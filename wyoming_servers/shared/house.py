"""The names people say in this house: they feed the sentence templates and every recogniser that takes a bias."""

from dataclasses import dataclass

from .schema import option


@dataclass(frozen=True)
class Area:
    """A room or a floor."""

    name: str = option("", "what it is called")
    aliases: tuple[str, ...] = option((), "other names people use for it")


@dataclass(frozen=True)
class Device:
    """Something that can be asked about or controlled."""

    name: str = option("", "what it is called")
    domain: str = option("switch", "its kind in Home Assistant's words: light, cover, lock, media_player, sensor, scene …")
    area: str = option("", "the area it is in")
    aliases: tuple[str, ...] = option((), "other names people use for it")
    device_class: str = option("", "its kind more closely, in Home Assistant's words: a cover may be a blind, garage, shutter …")


@dataclass(frozen=True)
class House:
    """All names of the house."""

    areas: tuple[Area, ...] = option((), "rooms")
    floors: tuple[Area, ...] = option((), "floors")
    devices: tuple[Device, ...] = option((), "devices")
    places: tuple[str, ...] = option((), "places people ask the weather of")
    timers: tuple[str, ...] = option(
        ("pizza", "pasta", "rice", "egg", "tea", "coffee", "oven", "laundry", "bread", "cake", "chicken", "potato", "nap", "kitchen"),
        "what timers are named after",
    )
    lists: tuple[str, ...] = option((), "names of lists")
