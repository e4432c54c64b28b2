"""How far long work is, told to a person: a bar on a terminal, now and then a line elsewhere."""

import logging
import shutil
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

_WINDOW_S = 8.0  # the speed shown is that of the last seconds, not of the whole download
_MINUTE_S = 60
_HOUR_S = 3600


class Progress:
    """Bytes done of bytes in all. This one tells nobody; others override `show` and `end`."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque()
        self.title = ""
        """What is being worked on."""
        self.done_bytes = 0
        self.total_bytes: int | None = None
        """None while it is not known."""

    def begin(self, title: str, total_bytes: int | None, done_bytes: int = 0) -> None:
        """Starts; `done_bytes` were done before and say nothing of the speed."""
        self.title, self.total_bytes, self.done_bytes = title, total_bytes, done_bytes
        self._seen = deque([(self._clock(), done_bytes)])
        self.show()

    def at(self, done_bytes: int) -> None:
        """So much is done now; less than before when something had to begin again."""
        if done_bytes < self.done_bytes:
            self._seen.clear()
        self.done_bytes = done_bytes
        now = self._clock()
        self._seen.append((now, done_bytes))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW_S:
            self._seen.popleft()
        self.show()

    @property
    def bytes_per_s(self) -> float:
        """Speed of the last seconds; 0 while nothing is known."""
        if len(self._seen) < 2:
            return 0.0
        (begun, at_first), (ended, at_last) = self._seen[0], self._seen[-1]
        return (at_last - at_first) / (ended - begun) if ended > begun else 0.0

    @property
    def left_s(self) -> float | None:
        """Time left at the present speed; None when it cannot be told."""
        speed = self.bytes_per_s
        if self.total_bytes is None or speed <= 0:
            return None
        return max(0, self.total_bytes - self.done_bytes) / speed

    def text(self) -> str:
        """`12.3 MB of 75.5 MB, 4.2 MB/s, 0:15 left`."""
        parts = [size(self.done_bytes) + (f" of {size(self.total_bytes)}" if self.total_bytes else "")]
        if speed := self.bytes_per_s:
            parts.append(f"{size(speed)}/s")
        if (left_s := self.left_s) is not None:
            parts.append(f"{duration(left_s)} left")
        return ", ".join(parts)

    def note(self, text: str) -> None:
        """Something worth knowing on the way."""

    def show(self) -> None:
        """Called at the beginning and at every step."""

    def end(self) -> None:
        """It is over, well or not."""


class LogProgress(Progress):
    """A line at the beginning and every `every_s` seconds."""

    def __init__(self, logger: logging.Logger, every_s: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._logger = logger
        self._every_s = every_s
        self._told: float | None = None

    def note(self, text: str) -> None:
        """Into the log as a warning."""
        self._logger.warning("%s: %s", self.title, text)

    def show(self) -> None:
        """Tells it when it is time."""
        now = self._clock()
        if self._told is None or now - self._told >= self._every_s:
            self._told = now
            self._logger.info("downloading %s: %s", self.title, self.text())


class LineProgress(Progress):
    """For a pipe or a file: a line at each quarter, and every `every_s` seconds."""

    def __init__(self, stream: TextIO | None = None, every_s: float = 10.0, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._stream = stream or sys.stderr
        self._every_s = every_s
        self._told: tuple[int, float] | None = None

    def begin(self, title: str, total_bytes: int | None, done_bytes: int = 0) -> None:
        """Starts."""
        self._told = None
        super().begin(title, total_bytes, done_bytes)

    def note(self, text: str) -> None:
        """A line of its own."""
        self._say(text)

    def show(self) -> None:
        """Tells it when it is time."""
        now = self._clock()
        quarter = 4 * self.done_bytes // self.total_bytes if self.total_bytes else 0
        if self._told is None or quarter != self._told[0] or now - self._told[1] >= self._every_s:
            self._told = quarter, now
            self._say(self.text())

    def _say(self, text: str) -> None:
        self._stream.write(f"{self.title}: {text}\n")
        self._stream.flush()


class BarProgress(Progress):
    """One line on a terminal that is written over."""

    def __init__(self, stream: TextIO | None = None, every_s: float = 0.1, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock)
        self._stream = stream or sys.stderr
        self._every_s = every_s
        self._told: float | None = None

    def note(self, text: str) -> None:
        """On a line of its own, above the bar."""
        self._stream.write(f"\r\x1b[K{self.title}: {text}\n")
        self._told = None

    def show(self) -> None:
        """Draws the bar, ten times a second at most."""
        now = self._clock()
        complete = self.done_bytes == self.total_bytes
        if self._told is not None and now - self._told < self._every_s and not complete:
            return
        self._told = now
        columns = shutil.get_terminal_size().columns
        text = self.text()
        self._stream.write(f"\r\x1b[K{bar(self.title, self.done_bytes, self.total_bytes, text, columns - 1)}")
        self._stream.flush()

    def end(self) -> None:
        """Goes on to the next line."""
        if self._told is not None:
            self._stream.write("\n")
            self._stream.flush()


def bar(title: str, done_bytes: int, total_bytes: int | None, text: str, columns: int) -> str:
    """`piper/x [####    ]  45 %  12.3 MB of …`, cut to the width of the terminal."""
    if not total_bytes:
        return f"{title}  {text}"[:columns]
    share = min(1.0, done_bytes / total_bytes)
    tail = f"{share:4.0%}  {text}"
    width = min(30, columns - len(title) - len(tail) - 5)
    if width < 4:
        return f"{title} {tail}"[:columns]
    return f"{title} [{'#' * int(share * width):<{width}}] {tail}"


def size(size_bytes: float) -> str:
    """`75.5 MB`; decimal units, as disks and networks have them."""
    for unit in ("B", "kB", "MB"):
        if size_bytes < 999.5:
            return f"{size_bytes:.0f} {unit}" if unit in ("B", "kB") else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1000
    return f"{size_bytes:.2f} GB"


def duration(seconds: float) -> str:
    """`0:15`, `1:02:03`."""
    whole = round(seconds)
    if whole >= _HOUR_S:
        return f"{whole // _HOUR_S}:{whole % _HOUR_S // _MINUTE_S:02}:{whole % _MINUTE_S:02}"
    return f"{whole // _MINUTE_S}:{whole % _MINUTE_S:02}"
