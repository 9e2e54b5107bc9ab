import unittest

from courier.deliver import deliver
from courier.errors import DeliveryError


def script(*answers):
    remaining = list(answers)
    return lambda payload: remaining.pop(0)


class DeliverTest(unittest.TestCase):
    def test_success_needs_one_attempt(self):
        self.assertEqual(deliver(script(204), {}), 1)

    def test_gives_up_at_the_limit(self):
        with self.assertRaises(DeliveryError) as raised:
            deliver(script(503), {}, limit=1)
        self.assertEqual(raised.exception.attempts, 1)

    def test_a_busy_receiver_is_tried_again(self):
        self.assertEqual(deliver(script(503, 429, 200), {}), 3)

    def test_a_refusal_is_final(self):
        with self.assertRaises(DeliveryError) as raised:
            deliver(script(410, 200), {})
        self.assertEqual(raised.exception.attempts, 1)
