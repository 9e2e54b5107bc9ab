import sys

from warehouse.ledger import Ledger
from warehouse.movements import parse_movements

ledger = Ledger()
ledger.record_all(parse_movements(sys.stdin.read()))
print("\n".join(ledger.report()))
