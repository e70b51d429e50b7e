"""A service of the tests' own, under the name of a real one: it keeps what customers tells of people."""
