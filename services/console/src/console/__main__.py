"""`python -m console web`: the console has one role and no database."""

from __future__ import annotations

from shared import roles


def web(arguments: list[str]) -> None:
    """Serve the pages until SIGTERM."""
    from console.settings import read

    roles.serve(read(), "console.web:create_app")


if __name__ == "__main__":
    roles.main("console", {"web": web})
