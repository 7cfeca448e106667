"""Fulfilment of a complete order: the buyer gets the ticket and the seller the money, or neither."""
