class DeliveryError(Exception):
    """A webhook was not accepted."""

    def __init__(self, status, attempts):
        super().__init__(f"status {status} after {attempts} attempts")
        self.status = status
        self.attempts = attempts
