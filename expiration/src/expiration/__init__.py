"""Timers: publishes an event when an order's hold ends."""
