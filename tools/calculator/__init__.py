"""Sums, and units of measurement."""

from .tool import CalculatorTool

__all__ = ["CalculatorTool"]
