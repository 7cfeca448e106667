"""Deliberate faults (crashes, time, money), with a check that every effect happened exactly once."""
