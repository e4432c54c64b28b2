"""The home tool: what can be said to it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from wyoming_servers.shared.errors import HouseError, NoAnswerError, ToolError
from wyoming_servers.shared.tool import Devices, Entity, EntityState, Home, Tool, ToolContext, ToolResult, argument

from .choosing import Chooser, Which
from .questions import told, warmth
from .services import Service, service
from .wording import Wording

ACTIONS = (
    *("on", "off", "toggle", "set", "state", "temperature"),
    *("open", "close", "stop", "lock", "unlock", "start", "dock"),
    *("play", "pause", "next", "previous", "mute", "unmute"),
)
_SERVICE_S = 4.0
_PLAYER = {"domain": "media_player"}
_OPENS = frozenset({"cover.open_cover", "cover.set_cover_position", "valve.open_valve", "lock.unlock"})
_HAPPENED = frozenset({"scene", "script", "button", "input_button"})


class HomeTool(Tool):
    """Controls what Home Assistant exposes to Assist, by name, by room and by floor, and tells how it is. Nothing else can be reached.

    A change is claimed only when Home Assistant shows it. Locks, garages, doors and gates are opened after asking; `ask_first` has
    what that holds for. Sentences are Home Assistant's own in all its languages, and ours.
    """

    name = "home"
    description = "Devices in this house: lights, covers, locks, heating, media players, fans, scenes. Switch, set, or ask how they are."
    intents = {
        "HassTurnOn": {"action": "on"},
        "HassTurnOff": {"action": "off"},
        "HassToggle": {"action": "toggle"},
        "HassGetState": {"action": "state"},
        "HassLightSet": {"action": "set", "domain": "light"},
        "HassSetPosition": {"action": "set"},
        "HassFanSetSpeed": {"action": "set", "domain": "fan"},
        "HassClimateSetTemperature": {"action": "set", "domain": "climate"},
        "HassClimateGetTemperature": {"action": "temperature"},
        "HassSetVolume": {"action": "set", **_PLAYER},
        "HassSetVolumeRelative": {"action": "set", **_PLAYER},
        "HassMediaPlayerMute": {"action": "mute", **_PLAYER},
        "HassMediaPlayerUnmute": {"action": "unmute", **_PLAYER},
        "HassMediaPause": {"action": "pause", **_PLAYER},
        "HassMediaUnpause": {"action": "play", **_PLAYER},
        "HassMediaNext": {"action": "next", **_PLAYER},
        "HassMediaPrevious": {"action": "previous", **_PLAYER},
        "HassVacuumStart": {"action": "start", "domain": "vacuum"},
        "HassVacuumReturnToBase": {"action": "dock", "domain": "vacuum"},
        "HassLawnMowerStartMowing": {"action": "start", "domain": "lawn_mower"},
        "HassLawnMowerDock": {"action": "dock", "domain": "lawn_mower"},
        "EarshotHome": {},
        "HassStopMoving": {"action": "stop"},
    }
    needs = "Home Assistant"
    hidden = frozenset({"floor", "device_class", "state", "response", "percentage", "volume_step", "confirmed", "unknown", "entities"})
    deadline_s = 9.0
    changes = True
    only_tells = {"action": frozenset({"state", "temperature"})}

    @dataclass(frozen=True)
    class Args:
        """What is wanted, and of which devices: a name, or a kind in a room."""

        action: str = argument("state", "what to do", choices=ACTIONS)
        name: str | None = argument(None, "the device, as the house calls it")
        area: str | None = argument(None, "the room, when one is said")
        domain: str | None = argument(None, "with a room: light, cover, fan …")
        brightness: int | None = argument(None, "percent", minimum=0, maximum=100)
        color: str | None = argument(None, "English name")
        temperature: float | None = argument(None, "degrees, or kelvin of a light", minimum=-50, maximum=10_000)
        position: int | None = argument(None, "percent open", minimum=0, maximum=100)
        volume_level: int | None = argument(None, "percent", minimum=0, maximum=100)
        floor: str | None = argument(None, "the floor, when one is said")
        device_class: str | None = argument(None, "the kind of cover or sensor")
        state: str | None = argument(None, "the state that is asked about")
        response: str | None = argument(None, "the form of the answer: which, any, all, how_many")
        percentage: int | None = argument(None, "speed of a fan in percent", minimum=0, maximum=100)
        volume_step: str | None = argument(None, "up, down, or percent to add")
        confirmed: bool | None = argument(None, "the answer to a question whether to do it")
        unknown: str | None = argument(None, "a name that no device has")
        entities: str | None = argument(None, "ids of the devices, joined by commas, for undo")

    @dataclass(frozen=True)
    class Options:
        """What the owner can set."""

        ask_first: tuple[str, ...] = argument(
            ("lock", "garage", "door", "gate"), "kinds of devices that are opened or unlocked only after asking: domains or device classes"
        )
        verify_s: float = argument(2.0, "seconds to wait until a device shows what it was told", minimum=0, maximum=4)

    def __init__(self, options: Any, home: Home) -> None:
        super().__init__(options, home)
        self.offered = self.able  # a model need not read what nothing can come of

    @property
    def able(self) -> bool:
        """Whether a Home Assistant is set up."""
        return self.home.devices is not None

    async def call(self, args: Any, context: ToolContext) -> ToolResult:
        """Does it, and tells what came of it."""
        wording, devices = Wording(context.phrases), self.home.devices
        if devices is None:
            error = NoAnswerError if args.unknown else ToolError
            raise error(wording.not_set_up(args.action, args.domain))
        await devices.settled()
        if not devices.entities():
            raise ToolError(wording.say(f"problem_{devices.problem}" if devices.problem else "nothing_exposed"))
        if args.action == "state":
            return self._asked(told, args, devices, wording, context)
        if args.action == "temperature":
            return self._asked(warmth, args, devices, wording, context)
        return await _Command(self.options, args, devices, wording, context).run()

    def _asked(self, answer: Callable[..., ToolResult], args: Any, devices: Devices, wording: Wording, context: ToolContext) -> ToolResult:
        if devices.problem:
            raise ToolError(wording.say(f"problem_{devices.problem}"))
        return answer(args, devices, wording, context)


class _Command:
    """One command on its way: which devices, whether to ask first, the calls, what they did."""

    def __init__(self, options: Any, args: Any, devices: Devices, wording: Wording, context: ToolContext) -> None:
        self._options = options
        self._args = args
        self._devices = devices
        self._wording = wording
        self._context = context

    async def run(self) -> ToolResult:
        """Raises: ToolError."""
        meant = Chooser(self._devices, self._wording, self._context).meant(self._args, self._fits, everywhere=self._everywhere())
        if isinstance(meant, Which):
            return ToolResult(meant.text, ask=meant.argument, undo={})
        if self._devices.problem:
            raise ToolError(self._wording.say(f"problem_{self._devices.problem}"))
        able = [entity for entity in meant if (state := self._devices.state(entity.id)) and (state.known or entity.domain in _HAPPENED)]
        if not able:
            raise ToolError(self._wording.say("silent", name=self._wording.names(meant)))
        wanted = [(entity, found) for entity in able if (found := self._service(entity))]
        if not wanted:
            raise ToolError(self._wording.say("cannot", name=self._wording.names(able)))
        if question := self._must_ask(wanted):
            return question
        return await self._do(wanted)

    def _everywhere(self) -> bool:
        """Whether the whole house is meant when no room is said: who plays, and what there is one of."""
        return self._args.domain in ("media_player", "vacuum", "lawn_mower")

    def _fits(self, entity: Entity) -> bool:
        state = self._devices.state(entity.id)
        if self._args.domain == "media_player" and not self._args.name and state is not None:
            if self._args.action in ("pause", "next", "previous", "mute"):
                return state.value in ("playing", "buffering")
            if self._args.action == "play":
                return state.value == "paused"
        return service(self._args.action, self._args, entity, state or EntityState("unknown")) is not None

    def _service(self, entity: Entity) -> Service | None:
        return service(self._args.action, self._args, entity, self._devices.state(entity.id))

    def _must_ask(self, wanted: Sequence[tuple[Entity, Service]]) -> ToolResult | None:
        """The question before something is opened; or that it was left alone."""
        asked = set(self._options.ask_first)
        risky = [entity for entity, each in wanted if each.name in _OPENS and {entity.domain, entity.device_class} & asked]
        if self._args.confirmed is False:
            return ToolResult(self._wording.say("left_alone"), undo={})
        if not risky or self._args.confirmed:
            return None
        key = "shall_unlock" if risky[0].domain == "lock" else "shall_open"
        return ToolResult(self._wording.say(key, name=self._wording.names(risky)), ask="confirmed", undo={})

    async def _do(self, wanted: Sequence[tuple[Entity, Service]]) -> ToolResult:
        before = {entity.id: self._devices.state(entity.id) for entity, _ in wanted}
        calls: dict[tuple[str, str], list[Entity]] = {}
        for entity, each in wanted:
            calls.setdefault((each.name, repr(sorted(each.data.items()))), []).append(entity)
        services = {entity.id: each for entity, each in wanted}
        results = await asyncio.gather(*(self._call(services[group[0].id], group) for group in calls.values()))
        refused = {entity.id for group, worked in zip(calls.values(), results, strict=True) if not worked for entity in group}
        seen = [id for id, each in services.items() if each.done and id not in refused]
        late = set(await self._devices.wait(seen, lambda id, state: services[id].done(state), self._options.verify_s)) if seen else set()
        done = [entity for entity, _ in wanted if entity.id not in refused | late]
        failed = [entity for entity, _ in wanted if entity.id in refused]
        slow = [entity for entity, _ in wanted if entity.id in late]
        sentences = [self._outcome(done, services)] if done else []
        sentences += [self._wording.say("not_yet", name=self._wording.names(slow))] if slow else []
        sentences += [self._wording.say("refused", name=self._wording.names(failed))] if failed else []
        if failed and not (done or slow):
            raise ToolError(sentences[0])
        data = {"done": [entity.id for entity in done], "waiting": sorted(late), "refused": sorted(refused)}
        return ToolResult(" ".join(sentences), data, undo=self._undo([*done, *slow], services, before))

    async def _call(self, each: Service, group: Sequence[Entity]) -> bool:
        """Whether Home Assistant has taken it; one that answers late is judged by what the devices do."""
        try:
            async with asyncio.timeout(_SERVICE_S):
                await self._devices.call(each.name, [entity.id for entity in group], each.data)
        except TimeoutError:
            return True
        except HouseError as err:
            if err.reason != "refused":
                raise ToolError(self._wording.say(f"problem_{err.reason}")) from err
            return False
        return True

    def _outcome(self, done: Sequence[Entity], services: dict[str, Service]) -> str:
        """How they are now, of all in one state one sentence."""
        args, wording = self._args, self._wording
        percent = next((value for value in (args.brightness, args.position, args.percentage) if value is not None), None)
        if args.action == "set" and percent is not None:
            return wording.at(done, percent)
        if args.action == "set" and "volume_level" in services[done[0].id].data:
            return wording.at(done, 100 * services[done[0].id].data["volume_level"])
        if args.action == "set" and args.temperature is not None and done[0].domain == "climate":
            return wording.set_to(done, args.temperature)
        if args.action in ("next", "previous", "set", "stop") or done[0].domain in _HAPPENED:
            return wording.say("done", name=wording.names(done))
        if args.action in ("mute", "unmute"):
            return wording.are(done, wording.say(f"state_{args.action}d"))
        by_state: dict[str, list[Entity]] = {}
        for entity in done:
            state = self._devices.state(entity.id)
            by_state.setdefault(wording.state(entity, state) if state else "", []).append(entity)
        return " ".join(wording.are(group, state) for state, group in by_state.items())

    def _undo(self, done: Sequence[Entity], services: dict[str, Service], before: dict[str, EntityState | None]) -> dict[str, Any] | None:
        """What brings back how it was; None where nothing does."""
        if len(done) == 1 and services[done[0].id].name in ("light.turn_on", "climate.set_temperature", "media_player.volume_set"):
            restored = _restored(done[0], services[done[0].id], before[done[0].id])
            if restored:
                return restored
        actions = {services[entity.id].undo for entity in done}
        if len(actions) != 1 or not (action := actions.pop()):
            return None
        changed = [entity.id for entity in done if (was := before[entity.id]) is None or not _already(services[entity.id], was)]
        return {"action": action, "entities": ",".join(changed)} if changed else {}


def _already(each: Service, was: EntityState) -> bool:
    return each.done is not None and each.done(was)


def _restored(entity: Entity, each: Service, was: EntityState | None) -> dict[str, Any] | None:
    """Arguments that set a value back."""
    if was is None or not each.data:
        return None
    back: dict[str, Any] = {"entities": entity.id, "action": "set"}
    if entity.domain == "light":
        if was.value == "off":
            return back | {"action": "off"}
        brightness = was.attributes.get("brightness")
        known = "brightness_pct" in each.data and isinstance(brightness, int | float)
        return back | {"brightness": round(brightness / 2.55)} if known else None
    key = "temperature" if entity.domain == "climate" else "volume_level"
    value = was.attributes.get(key)
    if not isinstance(value, int | float):
        return None
    return back | {key: round(100 * value) if key == "volume_level" else value}
