"""`python3 -m invoice_kit stats FILE`."""
import sys
from datetime import date

from invoice_kit.reader import read_invoices
from invoice_kit.stats import statistics


def main(arguments):
    if len(arguments) != 2 or arguments[0] != "stats":
        print("usage: invoice_kit stats FILE", file=sys.stderr)
        return 2
    with open(arguments[1], encoding="utf-8", newline="") as file:
        stats = statistics(read_invoices(file), date.today())
    print("\n".join(stats.lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
