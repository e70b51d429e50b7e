"""Attention: what is broken, what will be, what waits for a person, each with what to do."""

from __future__ import annotations

from flask import Blueprint, render_template

from console.attention import gather
from console.context import apis

pages = Blueprint("attention", __name__)
# Whoever looks here has no time; a service that takes longer needs somebody itself.
PATIENCE = 3.0


@pages.get("/attention")
def show() -> str:
    return render_template("attention.html", findings=gather(apis(seconds=PATIENCE)))
