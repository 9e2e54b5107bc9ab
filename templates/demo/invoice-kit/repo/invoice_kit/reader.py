"""Reads invoices from CSV."""
import csv
from datetime import date

from invoice_kit.model import Invoice


class BadRow(ValueError):
    """A row that is no invoice, with its line."""


def _cents(text):
    whole, _, fraction = text.strip().partition(".")
    return int(whole) * 100 + int((fraction + "00")[:2])


def read_invoices(lines):
    """Yields the invoices of a CSV file with a header; an empty `paid` means open."""
    for row in csv.DictReader(lines):
        try:
            yield Invoice(
                number=row["number"],
                customer=row["customer"],
                cents=_cents(row["amount"]),
                issued=date.fromisoformat(row["issued"]),
                due=date.fromisoformat(row["due"]),
                paid=date.fromisoformat(row["paid"]) if row["paid"] else None,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadRow(f"{row}: {error}") from error
