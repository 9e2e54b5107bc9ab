"""What an invoice is."""
from dataclasses import dataclass
from datetime import date
from typing import Optional


@dataclass(frozen=True)
class Invoice:
    number: str
    customer: str
    cents: int
    issued: date
    due: date
    paid: Optional[date] = None

    def is_overdue(self, today):
        return self.paid is None and today > self.due


def format_amount(cents):
    """Renders cents as people write amounts, with a comma for thousands."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100:,}.{abs(cents) % 100:02d}"
