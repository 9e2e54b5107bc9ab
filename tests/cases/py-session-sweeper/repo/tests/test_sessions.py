import unittest

from turnstile.clock import ManualClock
from turnstile.sessions import Sessions


class SessionsTest(unittest.TestCase):
    def setUp(self):
        self.clock = ManualClock(1000.0)
        self.sessions = Sessions(self.clock, idle_limit=60)

    def test_a_token_belongs_to_its_user(self):
        self.assertEqual(self.sessions.touch(self.sessions.open("mia")), "mia")

    def test_an_invented_token_is_refused(self):
        with self.assertRaises(PermissionError):
            self.sessions.touch("made-up")

    def test_nothing_is_swept_while_all_are_busy(self):
        self.sessions.open("mia")
        self.clock.advance(30)
        self.assertEqual(self.sessions.sweep(), 0)

    def test_idle_sessions_are_swept(self):
        self.sessions.open("mia")
        self.sessions.open("noor")
        self.clock.advance(45)
        self.sessions.open("ole")
        self.clock.advance(30)
        self.assertEqual(self.sessions.sweep(), 2)
        self.assertEqual(self.sessions.active_users(), ["ole"])
