"""Adds movements up."""


class Ledger:
    """How much of each article lies in the warehouse, and where it was last seen."""

    def __init__(self, opening=None):
        self._totals = dict(opening or {})
        self._last_bin = {}

    def record(self, movement):
        sku = movement.sku
        self._totals[sku] = self._totals[sku] + movement.quantity
        self._last_bin[sku] = movement.bin

    def record_all(self, movements):
        for movement in movements:
            self.record(movement)

    def on_hand(self, sku):
        return self._totals.get(sku, 0)

    def where(self, sku):
        return self._last_bin.get(sku, "?")

    def report(self):
        return [f"{sku}: {self._totals[sku]} in {self.where(sku)}" for sku in sorted(self._totals)]
