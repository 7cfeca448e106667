"""The simulated user of the marketplace, and the HTTP client that it uses."""
