from collections import defaultdict
from decimal import Decimal

from quittung.vat import vat_of


def totals(lines):
    """Net, VAT and gross of `(net, kind)` lines; VAT is rounded once for each kind."""
    nets = defaultdict(Decimal)
    for net, kind in lines:
        nets[kind] += Decimal(net)
    vat = sum((vat_of(net, kind) for kind, net in nets.items()), Decimal("0.00"))
    net = sum(nets.values(), Decimal("0.00"))
    return {"net": net, "vat": vat, "gross": net + vat}
