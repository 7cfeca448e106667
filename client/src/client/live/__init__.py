"""Live updates: sends a ticket's state to its open pages whenever it changes."""
