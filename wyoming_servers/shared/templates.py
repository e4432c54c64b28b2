"""Sentence templates: Home Assistant's and ours, merged, with the names of this house as lists.

Scope `text` is for matching typed or transcribed sentences; scope `speech` keeps only sentences that lead somewhere in
this house and has no open-ended lists, so that a recogniser can be built from it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import hassil
import home_assistant_intents
import voluptuous as vol
import yaml
from hassil.expression import Expression, Group, ListReference, RuleReference
from hassil.intents import Intents, SlotList, TextSlotList, TextSlotValue
from hassil.parser import ParseError

from .errors import SettingsError, UnsupportedLanguageError
from .house import House

Scope = Literal["text", "speech"]
_DOMAINS_BY_PREFIX = {
    "HassClimate": {"climate", "sensor"},
    "HassFan": {"fan"},
    "HassGetWeather": {"weather"},
    "HassLawnMower": {"lawn_mower"},
    "HassLight": {"light"},
    "HassMedia": {"media_player"},
    "HassSetPosition": {"cover", "valve"},
    "HassSetVolume": {"media_player"},
    "HassVacuum": {"vacuum"},
}
_COMMON_ROOMS = {"en": ("living room", "dining room", "bedroom", "bathroom", "hallway")}
"""Heard also where the owner has not named them: an answer about a room that is not set up is better than another room's light."""
_NO_TOOL = ("HassBroadcast", "HassRespond")
_SPOKEN_RANGES = {
    "timer_hours": (*range(1, 25), 36, 48, 72),
    "timer_minutes": (*range(1, 61), 90),
    "timer_seconds": (*range(1, 61), 90),
    "ring_hour": range(1, 13),
    "volume_percent": range(10, 101, 10),
    "ring_minute": range(5, 60, 5),
    "ring_before": range(5, 30, 5),
}
"""Numbers that are heard; more of them would be mistaken for each other."""

_OTHER_NAMES = {"no": "nb", "nn": "nb", "iw": "he", "in": "id", "zh-hant": "zh-TW", "zh-hans": "zh-CN"}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # eight times as fast, where it was built in


def _pattern(value: Any) -> str:
    try:
        re.compile(str(value))
    except re.error as err:
        raise vol.Invalid(f"{value!r} is not a regular expression: {err}") from None
    return str(value)


_TEXT = vol.All(str, vol.Length(min=1))
_VALUE = vol.Any(_TEXT, {vol.Required("in"): _TEXT, vol.Extra: object})
_LIST = vol.Any({vol.Required("values"): [_VALUE]}, {vol.Required("range"): dict}, {vol.Required("wildcard"): bool})
_BLOCK = {
    vol.Required("sentences"): vol.All([_TEXT], vol.Length(min=1)),
    "slots": {_TEXT: object},
    "lists": {_TEXT: _LIST},
    "expansion_rules": {_TEXT: _TEXT},
    "requires_context": {_TEXT: object},
    "excludes_context": {_TEXT: object},
    "response": _TEXT,
    "metadata": dict,
}
_FILE = vol.Schema(
    {
        vol.Required("language"): _TEXT,
        "intents": {_TEXT: {vol.Required("data"): [_BLOCK]}},
        "lists": {_TEXT: _LIST},
        "expansion_rules": {_TEXT: _TEXT},
        "skip_words": [_TEXT],
        "rewrites": [{vol.Required("in"): vol.All(_TEXT, _pattern), vol.Required("out"): str}],
        "responses": {_TEXT: dict},
    }
)


@dataclass(frozen=True)
class Templates:
    """Everything a matcher or a grammar compiler needs for one language."""

    language: str
    """`en`."""
    intents: Intents
    """Parsed; sentences themselves are parsed when first used."""
    slot_lists: dict[str, SlotList]
    """The house: area, floor, name (with context `domain`), place, timer_name and so on. They go before `intents.slot_lists`."""
    rewrites: tuple[tuple[re.Pattern, str], ...] = ()
    """What recognisers write and the templates do not have, and what stands for it there; in lower case, in this order."""


def family(language: str) -> str:
    """`en` of `en`, `en_US` and `EN-us`."""
    return language.replace("_", "-").split("-")[0].lower()


def languages() -> list[str]:
    """Every language that has templates, as Home Assistant writes them: `en`, `pt-BR`."""
    return list(home_assistant_intents.get_languages())


def known_language(language: str) -> str:
    """The language with templates that is closest to a tag: `de` for `de_AT`, `zh-CN` for `zh`; empty when there is none."""
    tag = language.replace("_", "-").lower()
    codes = {code.lower(): code for code in home_assistant_intents.get_languages()}
    for name in (tag, _OTHER_NAMES.get(tag, ""), tag.rpartition("-")[0], family(tag)):
        if found := codes.get(name) or codes.get(_OTHER_NAMES.get(name, "").lower()):
            return found
    return next((code for lower, code in codes.items() if family(lower) == family(tag)), "")


def read_yaml(path: Path) -> Any:
    """A file of sentences, not checked yet. Blocking.

    Raises: SettingsError that names the file.
    """
    try:
        return yaml.load(path.read_text("utf-8"), _LOADER)
    except OSError as err:
        raise SettingsError(f"{path}: cannot be read: {err.strerror}") from err
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        raise SettingsError(f"{path}: not YAML: {' '.join(str(err).split())}") from err


def load(
    language: str, house: House, folders: Sequence[Path], *, scope: Scope, broken: Callable[[SettingsError], None] | None = None
) -> Templates:
    """Merges Home Assistant's templates with every `<folder>/<language>/*.yaml`; for text, a region's (`de-CH`) come on top. Blocking.

    broken: told of a file that is left out because something in it is wrong; without it such a file is an error.
    Raises: SettingsError that names the file and what is wrong in it; UnsupportedLanguageError.
    """
    code = family(language) if scope == "speech" else known_language(language) or family(language)
    merged = _home_assistant(code, scope)
    lists = house_lists(house)
    rewrites: list[tuple[re.Pattern, str]] = []
    for path, folder_language in sentence_files(folders, code):
        try:
            content = _read(path, folder_language)
            _check_references(path, content, merged, lists)
        except SettingsError as err:
            if broken is None:
                raise
            broken(err)
            continue
        rewrites += [(re.compile(rule["in"]), rule["out"]) for rule in content.pop("rewrites", ())]
        hassil.merge_dict(merged, {**content, "language": code})
    if scope == "speech":
        _keep_what_leads_somewhere(merged, house)
        lists |= _closed_lists(merged, house)
        lists["area"] = _with_common_rooms(lists["area"], _COMMON_ROOMS.get(code, ()))
    else:
        del lists["timer_name"]  # any name may be typed
    merged.pop("responses", None)
    return Templates(code, Intents.from_dict(merged), lists, tuple(rewrites))


def house_lists(house: House) -> dict[str, SlotList]:
    """The names of the house as slot lists."""
    areas = [_value(name, area.name) for area in house.areas for name in (area.name, *area.aliases)]
    names = [
        _value(name, device.name, {"domain": device.domain}, {"domain": device.domain, "area": device.area})
        for device in house.devices
        for name in (device.name, *device.aliases)
    ]
    names += [_value(place, place, {"domain": "weather"}, {"domain": "weather"}) for place in house.places]
    return {
        "area": TextSlotList("area", areas),
        "floor": TextSlotList("floor", []),
        "name": TextSlotList("name", names),
        "place": TextSlotList("place", [_value(place, place) for place in house.places]),
        "timer_name": TextSlotList("timer_name", [_value(name, name) for name in house.timers]),
        "list_name": TextSlotList("list_name", [_value(name, name) for name in house.lists]),
    }


def _value(text: str, out: Any, context: dict | None = None, metadata: dict | None = None) -> TextSlotValue:
    return TextSlotValue.from_tuple((text, out, context or {}, metadata or {}), allow_template=False)


def _home_assistant(language: str, scope: Scope) -> dict[str, Any]:
    content = home_assistant_intents.get_speech_to_phrase_intents(language) if scope == "speech" else None
    content = content or home_assistant_intents.get_intents(language)
    if content is None:
        raise UnsupportedLanguageError(f"no sentence templates for language {language!r}")
    return content


def sentence_files(folders: Sequence[Path], code: str) -> Iterator[tuple[Path, str]]:
    """The files of a language, and which folder they are in: those of `de` before those of `de-CH`, later folders after earlier ones."""
    for folder_language in dict.fromkeys((family(code), code)):
        for folder in folders:
            yield from ((path, folder_language) for path in sorted((folder / folder_language).glob("*.yaml")))


def _read(path: Path, language: str) -> dict[str, Any]:
    try:
        content = _FILE(read_yaml(path))
    except vol.Invalid as err:
        place = ".".join(map(str, err.path)) or "the file"
        raise SettingsError(f"{path}: {place}: {err.msg}") from err
    if content["language"] != language:
        raise SettingsError(f"{path}: language: {content['language']!r} in the folder of {language!r}")
    return content


def _check_references(path: Path, content: dict[str, Any], merged: dict[str, Any], lists: Mapping[str, SlotList]) -> None:
    known_lists = {*merged["lists"], *content.get("lists", {}), *lists}
    known_rules = {*merged["expansion_rules"], *content.get("expansion_rules", {})}
    texts = [(f"expansion_rules.{name}", text, {}) for name, text in content.get("expansion_rules", {}).items()]
    for name, intent in content.get("intents", {}).items():
        texts += [(f"intents.{name}", text, block) for block in intent["data"] for text in block["sentences"]]
    for place, text, block in texts:
        try:
            sentence = hassil.parse_sentence(text)
        except ParseError as err:
            raise SettingsError(f"{path}: {place}: {text!r} is not a template: {err}") from err
        for item in _leaves(sentence.expression):
            if isinstance(item, ListReference) and item.list_name not in known_lists | set(block.get("lists", {})):
                if not item.is_inline_range:
                    raise SettingsError(f"{path}: {place}: {text!r} uses the list {{{item.list_name}}}, which does not exist")
            elif isinstance(item, RuleReference) and item.rule_name not in known_rules | set(block.get("expansion_rules", {})):
                raise SettingsError(f"{path}: {place}: {text!r} uses the rule <{item.rule_name}>, which does not exist")


def _leaves(expression: Expression) -> Iterator[Expression]:
    if isinstance(expression, Group):
        for item in expression.items:
            yield from _leaves(item)
    else:
        yield expression


def _keep_what_leads_somewhere(merged: dict[str, Any], house: House) -> None:
    domains = {device.domain for device in house.devices} | ({"weather"} if house.places else set())
    for name, intent in list(merged["intents"].items()):
        wanted = next((needed for prefix, needed in _DOMAINS_BY_PREFIX.items() if name.startswith(prefix)), None)
        heard = [block for block in intent["data"] if block.get("metadata", {}).get("speech") is not False]
        kept = [block for block in heard if not (needs := _domains(block)) or needs & domains]
        if name in _NO_TOOL or not kept or (wanted and not wanted & domains):
            del merged["intents"][name]
        else:
            intent["data"] = kept


def _domains(block: Mapping[str, Any]) -> set[str]:
    needs: set[str] = set()
    for source in (block.get("slots", {}), block.get("requires_context", {}), {"domain": block.get("inferred_domain")}):
        value = source.get("domain")
        needs |= {value} if isinstance(value, str) else set(value or ())
    return needs


def _closed_lists(merged: dict[str, Any], house: House) -> dict[str, SlotList]:
    closed: dict[str, SlotList] = {}
    for name, definition in merged["lists"].items():
        if definition.get("wildcard"):
            closed[name] = TextSlotList(name, [])
        elif name in _SPOKEN_RANGES:
            sign = definition["range"].get("multiplier", 1)
            closed[name] = TextSlotList(name, [_value(str(number), sign * number) for number in _SPOKEN_RANGES[name]])
    closed["timer_name"] = TextSlotList("timer_name", [_value(name, name) for name in house.timers])
    words = {word.lower().rstrip("s") for device in house.devices if device.domain == "cover" for word in device.name.split()}
    kinds = [value for value in merged["lists"].get("cover_classes", {}).get("values", []) if value["out"] in words]
    closed["cover_classes"] = TextSlotList("cover_classes", [_template_value(value) for value in kinds])
    return closed


def _with_common_rooms(areas: SlotList, rooms: Sequence[str]) -> SlotList:
    assert isinstance(areas, TextSlotList)
    named = {str(value.value_out).lower() for value in areas.values}
    return TextSlotList("area", [*areas.values, *(_value(room, room) for room in rooms if room not in named)])


def _template_value(value: Mapping[str, Any]) -> TextSlotValue:
    return TextSlotValue.from_tuple((value["in"], value["out"], {}, {}))
