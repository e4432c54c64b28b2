"""Looks through a camera when it is asked to: one picture, described by a vision model, kept nowhere."""

from .tool import CameraTool

__all__ = ["CameraTool"]
