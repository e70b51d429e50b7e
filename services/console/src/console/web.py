"""The console's Flask application."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import Flask
from redis import Redis

from console import context, failures, formatting, pages, security, static_files, uploads
from console.api_client.transport import pool
from console.sessions import Sessions
from console.settings import ConsoleSettings, read

# Above a selection of 500 rows, far below what would hurt.
MOST_FORM = 256 * 1024


def create_app(settings: ConsoleSettings | None = None) -> Flask:
    settings = settings or read()
    app = Flask("console")
    app.config.update(MAX_CONTENT_LENGTH=MOST_FORM, MAX_FORM_MEMORY_SIZE=MOST_FORM)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    # 2 s: a page would rather say that Redis is away than hang.
    redis = Redis.from_url(settings.redis_url, socket_timeout=2, socket_connect_timeout=2)
    static_files.install(app)
    failures.install(app)
    uploads.install(app)
    security.install(app, settings)
    context.install(app, settings, Sessions(redis, settings), pool())
    formatting.install(app, ZoneInfo(settings.time_zone))
    for blueprint in pages.ALL:
        app.register_blueprint(blueprint)
    return app
