"""`earshot doctor`: what may be wrong on this machine and in this house. One module per area; table.py lists the checks."""
