"""VAT, computed on the gross amount of each rate."""
from decimal import ROUND_HALF_EVEN, Decimal

CENT = Decimal("0.01")
RATES = {"standard": Decimal("0.19"), "reduced": Decimal("0.07"), "zero": Decimal("0")}


def to_cents(amount):
    """Rounds to cents the way a receipt has to: half a cent counts up."""
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def vat_of(net, kind):
    return to_cents(net * RATES[kind])
