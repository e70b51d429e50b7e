"""Event contracts and plumbing that every service stands on. No business rule lives here."""
