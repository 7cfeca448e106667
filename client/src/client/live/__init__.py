"""A ticket's state on the pages that are open on it, as it changes."""
