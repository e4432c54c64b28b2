"""The audio events of one request as samples: any format in, 16 kHz mono int16 out, also when the format changes on the way."""

import numpy as np
from wyoming.event import Event

from .audio import AudioFormat, Converter


class IncomingAudio:
    """One request's audio-start, audio-chunk and audio-stop."""

    def __init__(self) -> None:
        self._converter: Converter | None = None
        self._given: tuple = ()

    def take(self, event: Event) -> np.ndarray:
        """(n,) int16 mono 16 kHz for one audio-start or audio-chunk; n may be 0.

        Raises: InvalidRequestError for a format that is not supported.
        """
        data = event.data
        given = (data.get("rate"), data.get("width"), data.get("channels"))
        before = None
        if self._converter is None or given != self._given:
            converter = Converter(AudioFormat(*given))
            before = self.flush()
            self._converter, self._given = converter, given
        samples = self._converter.convert(event.payload or b"")
        return np.concatenate((before, samples)) if before is not None and len(before) else samples

    def flush(self) -> np.ndarray:
        """What is still on its way through the resampler; call at audio-stop."""
        return self._converter.flush() if self._converter else np.empty(0, np.int16)
