"""What kombu does with our settings, on a Redis that dies."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared.messaging import celery_app
from shared.settings import Settings
from tests.support.servers import start_redis


def test_a_message_that_redis_cannot_be_told_of_is_out_of_hand(
    settings: Settings, tmp_path: Path
) -> None:
    """Else a worker whose threads all acknowledge while Redis dies never asks for work again."""
    redis = start_redis(tmp_path / "redis")
    app = celery_app(replace(settings, redis_url=redis.url))
    with app.connection() as connection:
        queue = connection.SimpleQueue("in-hand")
        queue.put({})
        message = queue.get(timeout=60)
        assert message.channel is not None
        in_hand = message.channel.qos
        in_hand.prefetch_count = 1
        assert not in_hand.can_consume()

        redis.kill()
        with pytest.raises(connection.connection_errors):
            message.ack()

        assert in_hand.can_consume()
        redis.start()
        queue.close()
    redis.stop()
