"""Deliveries of gateways: taken in by the web role, worked on by the worker."""

from payments.webhooks.receiving import MOST_BODY, Received, receive
from payments.webhooks.working import process, replay

__all__ = ["MOST_BODY", "Received", "process", "receive", "replay"]
