"""The weather, now and in the next days, here and elsewhere."""

from .tool import WeatherTool

__all__ = ["WeatherTool"]
