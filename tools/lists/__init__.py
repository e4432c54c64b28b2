"""Lists that everybody in the house shares: shopping, to-do, and any other by its name."""

from .tool import ListsTool

__all__ = ["ListsTool"]
