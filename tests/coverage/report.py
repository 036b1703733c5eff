#!/usr/bin/python3
"""Branch coverage by floor and file, out of what `gcovr --json` found, and every branch that no test took.

    report.py GCOVR.JSON [AT-LEAST]      AT-LEAST: percent of the three floors together, or the exit status is 1

A branch is one way out of a decision as the compiler sees it: `a && b` has four. gcovr has left out those of
asserts already, which are for our own mistakes: no test is to take them."""

import json
import sys
from collections import Counter

FLOORS = ("base", "store", "core")


def floor_of(path):
    """`src/core/…` and `include/core/…`, whose inline functions are code as any other, are both of core."""
    return path.split("/")[1]


def branches_of(line):
    """How often each branch of a line was taken; newer gcovr keeps what is left out, and marks it."""
    if line.get("gcovr/excluded") or line.get("gcovr/noncode"):
        return []
    return [branch["count"] for branch in line["branches"] if not branch.get("gcovr/excluded")]


def percent(taken, total):
    return 100 * taken / total if total else 100.0


def row(name, taken, total):
    print(f"{name:40} {taken:6} {total:6} {percent(taken, total):7.1f} %")


def main(path, at_least=None):
    taken, total, missed = Counter(), Counter(), []
    for file in sorted(json.load(open(path, encoding="utf-8"))["files"], key=lambda file: file["file"]):
        name = file["file"]
        text = open(name, encoding="utf-8").read().splitlines()
        for line in file["lines"]:
            counts = branches_of(line)
            reached = sum(count > 0 for count in counts)
            for key in (name, floor_of(name)):
                taken[key] += reached
                total[key] += len(counts)
            if reached < len(counts):
                number = line["line_number"]
                missed.append(f"{name}:{number}: {len(counts) - reached} of {len(counts)}: {text[number - 1].strip()}")
    print(f"{'branches':40} {'taken':>6} {'of':>6}")
    for name in sorted(name for name in total if name not in FLOORS and total[name]):
        row(name, taken[name], total[name])
    for floor in FLOORS:
        row(floor, taken[floor], total[floor])
    reached, there = sum(taken[floor] for floor in FLOORS), sum(total[floor] for floor in FLOORS)
    row("base, store and core", reached, there)
    print("\nnever taken:", *missed, "", sep="\n")
    if there == 0:
        sys.exit("coverage: no branch was counted: the tests left no figures")
    print(f"coverage: {reached} of {there} branches of base, store and core, {percent(reached, there):.1f} %")
    if at_least is not None and percent(reached, there) < float(at_least):
        sys.exit(f"coverage: wanted are {at_least} %: test what stands above, or remove what nothing can reach")


if __name__ == "__main__":
    main(*sys.argv[1:])
