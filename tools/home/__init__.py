"""Controls the devices that Home Assistant exposes, and tells how they are."""

from .tool import HomeTool

__all__ = ["HomeTool"]
