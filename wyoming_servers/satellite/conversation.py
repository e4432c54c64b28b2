"""Which conversation a turn belongs to."""

import asyncio
import uuid

_FORGOTTEN_S = 300.0  # what was said before is forgotten after this


class Conversation:
    """A satellite's: the same one while turns follow each other."""

    def __init__(self) -> None:
        self._id = uuid.uuid4().hex
        self._until = 0.0

    def next_turn(self) -> str:
        """The id of the conversation that a turn belongs to which begins now."""
        now = asyncio.get_running_loop().time()
        if now > self._until:
            self._id = uuid.uuid4().hex
        self._until = now + _FORGOTTEN_S
        return self._id
