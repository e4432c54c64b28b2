"""`python -m wyoming_servers` is `earshot`."""

import sys

from .cli import main

sys.exit(main())
