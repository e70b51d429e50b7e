"""Webhooks out, as Standard Webhooks says (standardwebhooks.com): signed, retried, replayable.

Events of all services are taken from their feeds into a row per endpoint (`fanning`), sent by those
rows (`delivering`, `sending`, `signing`), at least once.
"""
