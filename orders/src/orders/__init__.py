"""Orders: who may buy a ticket, until when, and whether they did."""
