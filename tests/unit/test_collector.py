"""Python's collector of cycles, in a process that serves."""

import subprocess
import sys

PROGRAM = """
import gc, sys
from wyoming_servers.commands.common import run_until_stopped

async def work():
    kept = {id(thing) for thing in gc.get_objects()}
    return 3 if id(run_until_stopped.__globals__) not in kept and gc.get_freeze_count() > 5000 else 4

sys.exit(run_until_stopped(work()))
"""


def test_what_was_imported_is_not_looked_at_again_and_again() -> None:
    assert subprocess.run([sys.executable, "-c", PROGRAM], timeout=30, check=False).returncode == 3
