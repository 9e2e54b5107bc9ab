"""Reads RSS feeds and says what is new."""
