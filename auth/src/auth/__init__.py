"""Who people are: sign-up, sign-in and the session."""
