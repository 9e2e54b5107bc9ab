"""Movements of goods, as the scanners write them."""
from collections import namedtuple

Movement = namedtuple("Movement", "sku quantity bin")


def parse_movements(text):
    """One movement a line: `SKU;±quantity;bin`; blank lines and comments are skipped."""
    movements = []
    for raw in text.splitlines():
        row = raw.split("#", 1)[0].strip()
        if not row:
            continue
        sku, quantity, place = (part.strip() for part in row.split(";"))
        movements.append(Movement(sku, int(quantity), place))
    return movements
