"""Whether there is anything to listen to: while a room is quiet, or its noise steady, the expensive models rest.

A word stands out of the noise around it in some part of the spectrum, even where its loudness as a whole does not. Deciding late
loses nothing, for the models then catch up on the past they look back on.
"""

import numpy as np

_GROUPS = 4  # of 8 mel bands each: a voice stands out in its formants, not everywhere
_SILENCE_DB = 0.0  # about one step of a 16-bit sample; nothing below is sound
_OVER_NOISE_DB = 5.0  # steady noise varies by 0.7 dB from frame to frame; words that score, even at -5 dB SNR, exceed it by 8 dB
_RISE_DB = 0.08  # per frame, 1 dB a second: speech must not be taken for noise
_FALL = 0.2  # of the difference, per frame
_BEGIN_FRAMES = 38  # 3 s to learn the noise of a new stream
_HOLD_FRAMES = 20  # 1.6 s: a word's score peaks up to 0.8 s after its end


class Attention:
    """One stream's; counted in frames."""

    def __init__(self) -> None:
        self._frames = 0
        self._noise_db = np.zeros(_GROUPS)
        self._awake = _BEGIN_FRAMES

    def frame(self, mel: np.ndarray) -> bool:
        """Takes the (8, 32) mel rows of one frame, scaled for the embedding model; True while it may belong to a word."""
        bands = mel.mean(axis=0).reshape(_GROUPS, -1).mean(axis=1)
        level_db = np.maximum((bands - 2) * 10, _SILENCE_DB)
        if self._frames < 2:
            self._noise_db = level_db  # the first frame is half the silence before the stream
        self._frames += 1
        over_db = level_db - self._noise_db
        self._noise_db += np.where(over_db < 0, over_db * _FALL, np.minimum(over_db, _RISE_DB))
        self._awake = max(self._awake - 1, _HOLD_FRAMES if over_db.max() > _OVER_NOISE_DB else 0)
        return self._awake > 0
