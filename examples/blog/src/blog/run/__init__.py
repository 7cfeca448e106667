"""The blog as a whole: on a laptop, on a cluster, under test. Nothing of it ships with the services."""
