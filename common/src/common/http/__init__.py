"""How every service answers over HTTP."""
