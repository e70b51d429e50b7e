"""Tables and every query of the payments service."""
