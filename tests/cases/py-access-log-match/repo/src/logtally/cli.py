import sys

from logtally.tally import tally


def main():
    classes, agents = tally(line.rstrip("\n") for line in sys.stdin)
    for name, count in [*sorted(classes.items()), *agents.most_common(5)]:
        print(f"{count:8d}  {name}")


if __name__ == "__main__":
    main()
