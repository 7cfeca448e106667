"""Random users and random faults at the same time; afterwards checks for losses and duplicate effects."""
