"""Invoices, reminders and payment statistics for small shops."""

__version__ = "2.6.0"
