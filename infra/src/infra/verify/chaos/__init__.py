"""Random users and random faults at the same time, and whether anything was lost or done twice."""
