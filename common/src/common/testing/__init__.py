"""Shared by every suite: a fake stream, a database in memory, signed-in users, and their fixtures.

A suite's `conftest.py` takes the fixtures by `pytest_plugins = ["common.testing.fixtures"]`.
"""
