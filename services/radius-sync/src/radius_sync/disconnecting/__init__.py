"""Cutting and moving live sessions: rows are committed first, then every open session is told.

An order is a row written in the transaction of its cause; sending happens outside any transaction,
each attempt is recorded as its answer comes, and nothing is given up while the session is open.
"""

from radius_sync.disconnecting.sender import Sender

__all__ = ["Sender"]
