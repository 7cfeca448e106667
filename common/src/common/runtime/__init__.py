"""How a process starts, runs and stops."""
