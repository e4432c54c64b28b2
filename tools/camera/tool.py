"""The camera tool: what can be said to it, and how long one waits for it."""

import asyncio
import importlib.util
import logging
from dataclasses import dataclass
from typing import Any

from wyoming_servers.shared.errors import HttpError, ToolError
from wyoming_servers.shared.tool import Home, Phrases, Tool, ToolContext, ToolResult, argument

from .sources import Camera, Sources, cameras, meant
from .trouble import SightError
from .vision import Vision

_LOGGER = logging.getLogger(__name__)
_MOST_LOOKS = 4
"""At the same time."""
_MARGIN_S = 3.0


class CameraTool(Tool):
    """Looks through a camera when it is asked to, and at no other time: one picture, described in one or two sentences.

    Off until a camera is named: a webcam of this machine (`/dev/video0`), a camera's http address (a snapshot or an MJPEG stream), or
    a camera of Home Assistant (`camera.front_door`). The picture is made small, shown to a vision model with OpenAI's chat API, and
    kept nowhere. Models that see: SmolVLM and Moondream (both Apache-2.0) on a Raspberry Pi or better, see docs/camera.md.
    Needs the extra `camera` (PyAV).
    """

    name = "camera"
    description = "Looks through a camera of the house and answers a question about what is to be seen."
    intents = {
        "EarshotLook": {"action": "look"},
        "EarshotLookWhether": {"action": "whether"},
        "EarshotLookFor": {"action": "find"},
        "EarshotWatching": {"action": "watching"},
    }
    needs = "a camera and a model that sees"
    changes = True  # a camera is opened once the turn is certain, not on a guess
    only_tells = {"action": frozenset({"watching"})}

    @dataclass(frozen=True)
    class Args:
        """What is asked for."""

        action: str = argument(
            "look",
            "look; whether, find: the question is what follows these words; watching: tells only when it looks",
            choices=("look", "whether", "find", "watching"),
        )
        question: str | None = argument(None, "what is to be found out from the picture, in the user's words; empty: a description")
        camera: str | None = argument(None, "which camera, if one was named")

    @dataclass(frozen=True)
    class Options:
        """What it looks with."""

        cameras: dict[str, str] = argument(
            {},
            "cameras by the names they are spoken of, for example `{front door: http://HOST/snapshot.jpg, desk: /dev/video0}`; "
            "the first is meant when none is named; none: it never looks",
            secret=True,
        )
        home_assistant: str = argument("", "address of Home Assistant, for cameras such as `camera.front_door`: http://HOST:8123")
        token_file: str = argument("", "file with a long-lived access token of Home Assistant")
        base_url: str = argument(
            "", "server of the vision model, with OpenAI's chat API: http://HOST:8080/v1; empty takes the llm section's"
        )
        model: str = argument("", "which of the server's models; must be named when the server is the llm section's")
        key: str = argument("", "key the server wants, sent as `Authorization: Bearer KEY`", secret=True)
        key_file: str = argument("", "file that holds the key")
        max_tokens: int = argument(80, "longest description, in tokens", minimum=8, maximum=1024)
        longest_px: int = argument(
            512,
            "longer side of the picture the model gets, in pixels; 512 is one tile of SmolVLM, 378 one of Moondream",
            minimum=64,
            maximum=4096,
        )
        dark: float = argument(
            12.0, "mean brightness, 0 to 255, below which it is too dark; 0 shows the model every picture", minimum=0, maximum=255
        )
        skip_pictures: int = argument(
            5, "pictures of a webcam that are dropped unseen before the one, while it finds its exposure", minimum=0, maximum=60
        )
        camera_s: float = argument(5.0, "seconds to wait for a picture", minimum=0.1, maximum=60)
        patience_s: float = argument(
            6.0,
            "seconds until an answer must be there; a description that takes longer is announced at the satellite; keep it below "
            "handle.deadline_s",
            minimum=0.1,
            maximum=600,
        )
        timeout_s: float = argument(60.0, "seconds the model may take for a description", minimum=0.1, maximum=3600)
        extra: dict = argument({}, "further fields of each request to the model, for example `{top_p: 0.8}`")

    def __init__(self, options: Any, home: Home) -> None:
        super().__init__(options, home)
        self.deadline_s = options.patience_s + _MARGIN_S
        self.offered = bool(options.cameras)
        self._cameras: list[Camera] = []
        self._sources = Sources(home.http, options)
        self._vision = Vision(home.http, options, home.endpoint)
        self._looks: set[asyncio.Task] = set()
        self._looked_at: float | None = None

    @property
    def able(self) -> bool:
        """A camera and a model that sees are set up."""
        return bool(self.options.cameras) and self._vision.there

    async def start(self) -> None:
        """Opens nothing.

        Raises: ToolError for a camera whose address is of no kind.
        """
        self._cameras = cameras(self.options.cameras, self.options.home_assistant)
        if self._cameras and not self._vision.there:
            _LOGGER.warning("cameras are set up, but no vision model: set handle.tools.camera.base_url")
        if self._cameras and importlib.util.find_spec("av") is None:
            _LOGGER.warning("cameras are set up, but PyAV is missing: pip install 'earshot-voice[camera]'")

    async def stop(self) -> None:
        """Ends looks that are still under way."""
        await _end(*self._looks)

    async def call(self, args: Any, context: ToolContext) -> ToolResult:
        """Looks, or tells when it looks.

        Raises: ToolError that says why there is nothing to be seen.
        """
        say = context.phrases.say
        if args.action == "watching":
            return ToolResult(await self._honest(context.phrases), undo={})
        if not self._cameras:
            raise ToolError(say("no_camera"))
        if not self._vision.there:
            raise ToolError(say("no_model"))
        wanted = " ".join((args.camera or "").split())
        found = meant(self._cameras, wanted, context.area)
        if len(found) != 1:
            return self._which(found, wanted, context.phrases)
        if len(self._looks) >= _MOST_LOOKS:
            raise ToolError(say("too_many"))
        question = (args.question or "").strip()
        if question and args.action != "look":
            question = say(f"ask_{args.action}", what=question)
        return await self._in_time(found[0], question, context)

    async def _in_time(self, camera: Camera, question: str, context: ToolContext) -> ToolResult:
        """What is seen, or that it takes longer; then it is announced, where that is possible."""
        say = context.phrases.say
        look = asyncio.create_task(self._look(camera, question, context.phrases), name=f"look through camera {camera.name}")
        self._looks.add(look)
        look.add_done_callback(self._looks.discard)
        over = asyncio.Event()
        look.add_done_callback(lambda _: over.set())
        try:
            await self.home.clock.wait(over, self.options.patience_s)
        except asyncio.CancelledError:
            await _end(look)
            raise
        told = {"camera": camera.name}
        if look.done():
            seen, well = look.result()
            if not well:
                raise ToolError(seen)
            return ToolResult(seen, told, undo={})
        if not any(satellite.id == context.satellite_id for satellite in self.home.satellites()):
            await _end(look)
            raise ToolError(say("late"))
        look.add_done_callback(lambda done: self._announce(done, context))
        return ToolResult(say("still_looking"), told, undo={})

    async def _look(self, camera: Camera, question: str, phrases: Phrases) -> tuple[str, bool]:
        """What is said, and whether it tells of something seen."""
        try:
            self._looked_at = self.home.clock.steady()
            picture = await self._sources.picture(camera)
            if picture.brightness < self.options.dark:
                return phrases.say("dark"), True
            return await self._vision.describe(picture, question, phrases), True
        except SightError as err:
            _LOGGER.warning("%s", err)
            return phrases.say(err.key), False

    def _announce(self, look: asyncio.Task, context: ToolContext) -> None:
        if look.cancelled():
            return
        if look.exception():
            _LOGGER.error("a look through a camera failed", exc_info=look.exception())
            seen, well = context.phrases.say("no_picture"), False
        else:
            seen, well = look.result()
        text = context.phrases.say("later", seen=seen) if well else seen
        if not self.home.announce(context.satellite_id, "earshot-say", {"text": text, "language": context.language}):
            _LOGGER.info("what was seen could not be said: satellite %s has no link any more", context.satellite_id)

    def _which(self, found: list[Camera], wanted: str, phrases: Phrases) -> ToolResult:
        names = [camera.name for camera in found or self._cameras]
        known = phrases.join(names)
        if found:
            return ToolResult(phrases.say("which", cameras=known), {"cameras": names}, ask="camera", undo={})
        if len(names) == 1:
            raise ToolError(phrases.say("unknown_camera", camera=wanted, cameras=known))
        return ToolResult(phrases.say("unknown_which", camera=wanted, cameras=known), {"cameras": names}, ask="camera", undo={})

    async def _honest(self, phrases: Phrases) -> str:
        if not self._cameras:
            return phrases.say("watching_none")
        now = phrases.say("watching_now" if self._looks else "watching_not")
        parts = [now, phrases.say("watching", cameras=phrases.join([camera.name for camera in self._cameras])), self._last(phrases)]
        if any(camera.on_the_network for camera in self._cameras):
            parts.append(phrases.say("watching_network"))
        if host := await self._left_to():
            parts.append(phrases.say("watching_left", host=host))
        return " ".join(parts)

    def _last(self, phrases: Phrases) -> str:
        if self._looked_at is None:
            return phrases.say("never_looked")
        minutes = int((self.home.clock.steady() - self._looked_at) // 60)
        if minutes < 1:
            return phrases.say("looked_just_now")
        return phrases.count("looked_minutes", minutes) if minutes < 120 else phrases.count("looked_hours", minutes // 60)

    async def _left_to(self) -> str:
        """The host outside the house that pictures were last sent to; empty when none was."""
        try:
            sent = await self.home.http.departures(0)
        except HttpError:
            return ""
        return next((entry.host for entry in reversed(sent) if entry.tool == self.name and entry.method == "POST" and entry.left), "")


async def _end(*looks: asyncio.Task) -> None:
    for look in looks:
        look.cancel()
    await asyncio.gather(*looks, return_exceptions=True)
