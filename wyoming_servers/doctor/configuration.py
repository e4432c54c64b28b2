"""The owner's settings."""

import stat

from ..commands.config import check_engines
from ..shared.errors import SettingsError
from .finding import Finding, Visit, failure, note, ok, warning


def settings(visit: Visit) -> list[Finding]:
    """Whether they can be used, and whether secrets in them are kept."""
    if visit.problem:
        return [failure(f"{visit.problem}; the other checks go by the settings as shipped", "earshot config validate")]
    try:
        check_engines(visit.settings)
    except SettingsError as err:
        return [failure(str(err), "earshot config validate")]
    if visit.settings_file is None:
        return [note("there is no settings file: everything is as shipped", "earshot config defaults > ~/.config/earshot/assistant.yaml")]
    file = visit.settings_file
    if _holds_secrets(visit) and file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return [warning(f"{file} holds a key or a token that every user of this machine can read", f"chmod 600 {file}")]
    return [ok(f"{file} is right")]


def _holds_secrets(visit: Visit) -> bool:
    return bool(visit.settings.llm.key or visit.settings.home_assistant.token)
