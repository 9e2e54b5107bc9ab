"""Adds the ingredients of several recipes up."""
import re

from larder.units import to_grams

_INGREDIENT = re.compile(r"(?P<quantity>\d+(?:\.\d+)?)\s*(?P<unit>[A-Za-z.]+)\s+(?P<what>.+)")


def shopping_list(recipes):
    """Grams by ingredient over all lines; a line without a quantity is kept as it is, once."""
    weights, others = {}, []
    for line in (line for recipe in recipes for line in recipe.splitlines()):
        found = _INGREDIENT.fullmatch(line.strip())
        if found is None:
            if line.strip() and line.strip() not in others:
                others.append(line.strip())
            continue
        what = found["what"].lower()
        weights[what] = weights.get(what, 0) + to_grams(float(found["quantity"]), found["unit"])
    return [f"{grams} g {what}" for what, grams in sorted(weights.items())] + others
