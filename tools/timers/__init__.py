"""Countdown timers, alarms and reminders: kept on disk together, rung at the satellite that set them."""

from .alarms import AlarmsTool
from .reminders import RemindersTool
from .tool import TimersTool

__all__ = ["AlarmsTool", "RemindersTool", "TimersTool"]
