"""Gateways as they behave: servers with state, signatures of their own making, and faults."""
