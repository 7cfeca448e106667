"""Listings, and who holds them."""
