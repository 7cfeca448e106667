"""Accounts of users: sign-up, sign-in and the session."""
