"""How the whole system is deployed, run on a laptop and verified. Each room has a README."""
