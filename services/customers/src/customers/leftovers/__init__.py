"""The search for leftovers: an independent look for what an erasure should have removed.

In the tables of this service and its exports, in Redis, which all services share, and in the logs of
their roles. A find in Redis or a log keeps the certificate back until it is gone; what the books
themselves still say stands in the certificate.
"""

from customers.leftovers.needles import Needles, forget, needles, remember

__all__ = ["Needles", "forget", "needles", "remember"]
