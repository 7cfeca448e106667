"""Aggregates with their outbox, replicas, and the one module that knows the database driver."""
