"""The library of the services, in rooms (README.md). No business rule, no import of a service."""
