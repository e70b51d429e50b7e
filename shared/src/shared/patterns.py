"""Texts as patterns of LIKE."""


def literally(value: str) -> str:
    """As a pattern that means the text itself."""
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
