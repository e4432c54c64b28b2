"""Tells Home Assistant, through its Supervisor, where an add-on's server is."""

import asyncio
import logging

import aiohttp

from ..shared.client import describe
from ..shared.errors import PeerError
from ..shared.offers import summary

_LOGGER = logging.getLogger(__name__)
_ASK_S = 10.0
_DESCRIBE_POLL_S = 0.2
_FIRST_BACK_OFF_S, _LONGEST_BACK_OFF_S = 1.0, 60.0
_PING_S = 10.0


class Discovery:
    """Posts one Wyoming address to the Supervisor once the server answers, and again whenever the Supervisor has been away.

    The Supervisor keeps the message and takes the same one again without asking anybody, so to say it too often does no harm.
    """

    def __init__(self, uri: str, announced: str, supervisor: str, token: str, ping_s: float = _PING_S) -> None:
        """uri: where the server is reached from here. announced: from Home Assistant. supervisor: http://HOST. token: the add-on's.
        ping_s: how often to look whether the Supervisor is there."""
        self._uri = uri
        self._announced = announced
        self._supervisor = supervisor.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._ping_s = ping_s
        self._complaint = ""

    async def run(self) -> None:
        """Until cancelled."""
        async with aiohttp.ClientSession(headers=self._headers, timeout=aiohttp.ClientTimeout(total=_ASK_S)) as http:
            while True:
                await self._answering()
                await self._post(http)
                await self._until_restart(http)

    async def _answering(self) -> None:
        while True:
            try:
                if summary(await describe(self._uri)):
                    return
            except PeerError as err:
                _LOGGER.debug("not announced yet: %s", err)
            await asyncio.sleep(_DESCRIBE_POLL_S)

    async def _post(self, http: aiohttp.ClientSession) -> None:
        back_off_s = _FIRST_BACK_OFF_S
        message = {"service": "wyoming", "config": {"uri": self._announced}}
        while True:
            problem = await self._ask(http, "POST", "/discovery", message)
            if not problem:
                _LOGGER.info("announced to Home Assistant as %s", self._announced)
                self._complaint = ""
                return
            if problem != self._complaint:
                self._complaint = problem
                _LOGGER.warning("cannot be announced to Home Assistant, trying again: the Supervisor %s", problem)
            await asyncio.sleep(back_off_s)
            back_off_s = min(back_off_s * 2, _LONGEST_BACK_OFF_S)

    async def _until_restart(self, http: aiohttp.ClientSession) -> None:
        away = False
        while True:
            await asyncio.sleep(self._ping_s)
            problem = await self._ask(http, "GET", "/supervisor/ping")
            if away and not problem:
                _LOGGER.info("the Supervisor is back")
                return
            away = bool(problem)

    async def _ask(self, http: aiohttp.ClientSession, method: str, path: str, message: dict | None = None) -> str:
        """What went wrong; empty for success. A Supervisor that still starts answers with an error, too."""
        try:
            async with http.request(method, self._supervisor + path, json=message, allow_redirects=False) as response:
                return "" if response.status == 200 else f"answered {response.status} {response.reason}"
        except (aiohttp.ClientError, TimeoutError, OSError) as err:
            return f"cannot be reached ({type(err).__name__})"
