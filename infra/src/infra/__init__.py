"""Deployment, local run and verification of the whole system. Each subpackage has a README."""
