"""Countdown timers: several, named, kept on disk, rung at the satellite that set them."""

from .tool import TimersTool

__all__ = ["TimersTool"]
