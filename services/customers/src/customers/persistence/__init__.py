"""Tables, mapping, and every query of customers."""
