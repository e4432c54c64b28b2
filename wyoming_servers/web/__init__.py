"""The status page: which services run, how well, on which engines, and how the last commands went."""
