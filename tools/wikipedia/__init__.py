"""What an encyclopaedia says about something, from Wikipedia or from a copy of it in the house."""

from .tool import WikipediaTool

__all__ = ["WikipediaTool"]
