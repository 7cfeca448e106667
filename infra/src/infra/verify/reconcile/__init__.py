"""Comparison of all stored data: databases, timers, the payment provider and the event store.

Read-only: it names disagreements and changes no data.
"""
