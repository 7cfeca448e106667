"""Load, faults and comparisons against a running system."""
