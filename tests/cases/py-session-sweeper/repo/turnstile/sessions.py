"""Sessions with an idle limit."""
import secrets


class Sessions:
    def __init__(self, clock, idle_limit=900):
        self._clock = clock
        self._idle_limit = idle_limit
        self._seen = {}
        self._users = {}

    def open(self, user):
        token = secrets.token_urlsafe(12)
        self._users[token] = user
        self._seen[token] = self._clock()
        return token

    def touch(self, token):
        if token not in self._seen:
            raise PermissionError("no such session")
        self._seen[token] = self._clock()
        return self._users[token]

    def sweep(self):
        """Drops sessions that were idle for too long; says how many."""
        now = self._clock()
        dropped = 0
        for token in self._seen:
            if now - self._seen[token] > self._idle_limit:
                del self._seen[token]
                self._users.pop(token, None)
                dropped += 1
        return dropped

    def active_users(self):
        users = set()
        for token in self._seen:
            users.add(self._users[token])
        return sorted(users)
