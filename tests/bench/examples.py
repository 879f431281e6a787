"""The README's table of the shipped networks: all 10 000 test images, calibrated, default settings.

python tests/bench/examples.py            print the table
python tests/bench/examples.py --write    print it, and put it into README.md
"""

from __future__ import annotations

import argparse

from networks import NETWORKS, measured, percent
from pages import Block, write

HEADS = (
    "network",
    "accuracy: trained",
    "mapped",
    "with parasitics",
    "chip",
    "agreement: the same three",
    "output error: the same three",
)


def row(name: str) -> tuple[str, ...]:
    """One network's figures."""
    _, found = measured(name, None)
    accuracy = [percent(found["accuracy"][key], 2) for key in ("trained", "mapped", "with_parasitics", "chip")]
    agreement = ", ".join(percent(value, 2) for value in found["agreement"].values())
    errors = ", ".join(percent(value, 2) for value in found["output_error"].values())
    return (name, *accuracy, agreement, errors)


def main() -> None:
    """Print the table, and write it where that is asked for."""
    parser = argparse.ArgumentParser(description="the shipped networks at the default settings")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    asked = parser.parse_args()
    block = Block(key="examples", heads=HEADS, rows=[row(name) for name in NETWORKS])
    block.show()
    if asked.write:
        write("../README.md", {block.key: block.markdown()})


if __name__ == "__main__":
    main()
