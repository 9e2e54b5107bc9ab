"""Delivers webhooks and tries again where that can help."""
from courier.errors import DeliveryError

RETRIABLE = {408, 425, 429, 500, 502, 503, 504}


def should_retry(status, attempt, limit):
    """True for a passing trouble, while tries are left."""
    if attempt >= limit:
        return False
    return status not in RETRIABLE


def deliver(send, payload, limit=3):
    """Calls `send` until it answers with success; raises when it does not."""
    attempt = 0
    while True:
        attempt += 1
        status = send(payload)
        if 200 <= status < 300:
            return attempt
        if not should_retry(status, attempt, limit):
            raise DeliveryError(status, attempt)
