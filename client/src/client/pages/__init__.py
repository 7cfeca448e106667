"""The routes, one file a feature: form → API → page or redirect."""
