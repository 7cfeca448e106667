"""Mails to users: an outbox in auth's database, letters in both languages, and the sender over SMTP."""
