"""The pages: rendered here from what the APIs say, and usable without JavaScript."""
