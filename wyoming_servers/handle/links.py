"""Links to satellites: who is there now, and how something reaches them."""

import logging
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from wyoming.event import Event

from ..shared.errors import InvalidRequestError
from ..shared.protocol import encode_event, printable
from ..shared.service import Peer
from ..shared.tool import Satellite

_LOGGER = logging.getLogger(__name__)
_MAX_CHARS = 100
_HOME_ASSISTANTS = "assist_satellite."


class Links:
    """The open links, one per satellite id."""

    def __init__(self) -> None:
        self._links: dict[str, tuple[Satellite, Peer]] = {}

    def satellites(self) -> list[Satellite]:
        """Those that can be reached."""
        return [satellite for satellite, peer in self._links.values() if not peer.gone]

    def get(self, satellite_id: str) -> Satellite | None:
        """The satellite with this id, if it is there."""
        found = self._links.get(satellite_id)
        return found[0] if found else None

    def known_as(self, satellite_id: str) -> str:
        """The id of the satellite that asks. Home Assistant calls it by an entity id of its own, made of its area and name; empty, so that
        what it sets rings everywhere, when that entity is none of ours, or could be two of them."""
        if not satellite_id.startswith(_HOME_ASSISTANTS):
            return satellite_id
        entity = satellite_id.removeprefix(_HOME_ASSISTANTS)
        names = {entity, re.sub(r"_\d+$", "", entity)}  # Home Assistant numbers those of one name
        meant = [each.id for each in self.satellites() if names & {_slug(each.name), _slug(f"{each.area} {each.name}")}]
        return meant[0] if len(meant) == 1 else ""

    def join(self, satellite: Satellite, peer: Peer, greeting: Mapping[str, Any]) -> None:
        """Opens a link and greets. An older link with the same id is told that it is replaced, and gets nothing more."""
        older = self._links.get(satellite.id)
        if older and older[1] is not peer:
            _LOGGER.info("satellite %s has a new link", printable(satellite.id))
            older[1].send_soon(encode_event(Event("earshot-replaced")))
        self._links[satellite.id] = (satellite, peer)
        peer.send_soon(encode_event(Event("earshot-subscribed", {"satellite_id": satellite.id, **greeting})))

    def leave(self, peer: Peer) -> None:
        """Closes the links of a connection that has ended."""
        for id in [id for id, (_, linked) in self._links.items() if linked is peer]:
            del self._links[id]

    def of(self, peer: Peer) -> Satellite | None:
        """The satellite at the other end; None when the connection is no link, or not any more."""
        return next((satellite for satellite, linked in self._links.values() if linked is peer), None)

    def send(self, satellite_id: str, event_type: str, data: Mapping[str, Any]) -> bool:
        """Sends without waiting; False when there is no link."""
        _, peer = self._links.get(satellite_id, (None, None))
        if peer is None or peer.gone:
            return False
        peer.send_soon(encode_event(Event(event_type, dict(data))))
        return True


def satellite_from(data: Mapping[str, Any]) -> Satellite:
    """Who subscribes.

    Raises: InvalidRequestError.
    """
    fields = {key: data.get(key) or "" for key in ("satellite_id", "name", "area", "language")}
    for key, value in fields.items():
        if not isinstance(value, str) or len(value) > _MAX_CHARS:
            raise InvalidRequestError(f"{key} must be text of at most {_MAX_CHARS} characters")
    if not fields["satellite_id"]:
        raise InvalidRequestError("earshot-subscribe needs a satellite_id")
    return Satellite(fields["satellite_id"], fields["name"], fields["area"], fields["language"])


def _slug(name: str) -> str:
    """A name as Home Assistant writes it in an entity id: `kuche_links` for Küche links."""
    plain = unicodedata.normalize("NFKD", name.lower()).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "_", plain).strip("_")
