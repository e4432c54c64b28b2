"""What several subcommands share: the settings options and a main loop that ends in order."""

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from ..shared import service_manager, settings
from ..shared.engine_host import left_behind
from ..shared.errors import SettingsError
from ..shared.settings import Settings, Source
from ..shared.tasks import cancel

PARENT_PIPE = "EARSHOT_PARENT_PIPE"
"""Environment variable with a file descriptor: when its other end closes, the supervisor is gone and so are we."""


def settings_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds --config and --set."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings file (default: assistant.yaml in ~/.config/earshot)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="one setting, for example satellite.volume=0.5")


def load_settings(args: argparse.Namespace, *overrides: Source) -> Settings:
    """The settings in force for this command; `overrides` come from its own options.

    Raises: SettingsError.
    """
    given = [setting_source(text) for text in args.set]
    return settings.load(args.config, overrides=[*given, *overrides])


def setting_source(text: str) -> Source:
    """`a.b=value` as a source of settings.

    Raises: SettingsError when there is no `=`.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise SettingsError(f"--set {text}: write it as KEY=VALUE, for example satellite.volume=0.5")
    return Source(f"--set {key}", settings.nested(key.split("."), settings.scalar(value)))


def run_until_stopped(work: Coroutine[Any, Any, int]) -> int:
    """Runs `work`; Ctrl-C, SIGTERM or the end of our supervisor cancel it, so that it can end in order. Returns its exit status.

    Does not return when an engine is still at work: a native call that comes back while the interpreter is being taken down would abort
    the process (C++ code does not bear that its thread is ended inside it), so that is skipped.
    """
    gc.collect()
    gc.freeze()  # what was imported stays: to look at all of it again stopped a satellite for 7 ms each time, now for 0.4
    try:
        status = asyncio.run(_until_stopped(work))
    finally:
        gc.unfreeze()  # the interpreter finds by it what is to be taken down
    if left_behind():
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


async def _until_stopped(work: Coroutine[Any, Any, int]) -> int:
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)
    if pipe := os.environ.get(PARENT_PIPE):
        loop.add_reader(int(pipe), task.cancel)
    alive = asyncio.create_task(service_manager.keep_alive(), name="tell the service manager")
    try:
        with contextlib.suppress(asyncio.CancelledError):
            return await task
    finally:
        await cancel(alive)
    return 0
