"""Timers: says when an order's hold is over."""
