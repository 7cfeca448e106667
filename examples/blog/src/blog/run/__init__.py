"""Runs the whole blog: on a laptop, on a cluster, under test. It is part of no image."""
