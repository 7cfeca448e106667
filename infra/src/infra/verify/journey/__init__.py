"""Journey of one order: its events over all services, the present state of each, and what is waited for."""
