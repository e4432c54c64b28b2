"""From scores to detections, counted in frames of the stream."""


class Trigger:
    """One word's on one stream. A detection needs `level` frames in a row at or over the threshold; it is reported once per such
    row, and not again within `rest_frames`."""

    def __init__(self, threshold: float, level: int, rest_frames: int) -> None:
        self.threshold = threshold
        """May be changed between two frames."""
        self.best = 0.0
        """The highest score so far."""
        self._level = level
        self._rest_frames = rest_frames
        self._over = 0
        self._resting = 0
        self._reported = False

    def take(self, score: float) -> bool:
        """One frame's score; True when the word is detected now."""
        self.best = max(self.best, score)
        self._resting = max(0, self._resting - 1)
        if not score >= self.threshold:  # so that NaN, from a model gone wrong, counts as silence
            self._over, self._reported = 0, False
            return False
        self._over += 1
        if self._over < self._level or self._resting or self._reported:
            return False
        self._resting, self._reported = self._rest_frames, True
        return True
