"""Whether all that the services keep agrees: databases, timers, the payment provider and the event store.

Read-only. Nothing here decides anything for the system; it names what disagrees.
"""
