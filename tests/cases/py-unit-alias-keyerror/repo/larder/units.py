"""Units of recipes, in grams."""

GRAMS = {"g": 1, "kg": 1000, "oz": 28, "lb": 454, "cup": 240}
ALIASES = {"gram": "g", "kilo": "kg", "kilogram": "kg", "ounce": "oz", "pound": "lb"}


def canonical(unit):
    """The short name of a unit: `Pounds` and `lb.` are both `lb`."""
    name = unit.strip().lower().rstrip(".")
    return ALIASES.get(name, name)


def to_grams(quantity, unit):
    factor = GRAMS[canonical(unit)]
    return round(quantity * factor)
