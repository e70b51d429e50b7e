"""Statements of banks and gateways, matched three ways: the books, the gateways' own word, the bank."""
