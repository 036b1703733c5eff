"""What `make proof` runs: each rig at the size that a proof wants, and what to read off its log.

`{N}` in a command is the step's size, divided by SCALE where the whole is only tried. A figure is a pattern; what its groups
find in all lines that match is added up, and stands in the text as {0}, {1} …; {n} is how many lines there were. A figure
without a line is a failure, and so is a sum below `least` (group and least; divided by SCALE), and one of `zero` (groups)
that is not 0."""
import re
from dataclasses import dataclass, field


@dataclass
class Figure:
    what: str
    pattern: str
    text: str
    least: tuple = ()
    zero: tuple = ()

    def read(self, log, scale):
        """The text with its sums, and what is wrong with them."""
        rows = [match.groups() for match in re.finditer(self.pattern, log, re.M)]
        if not rows:
            return "no figure", [f"{self.what}: no line like '{self.pattern}'"]
        sums = [sum(map(number, column)) for column in zip(*rows)]
        text = self.text.format(*(f"{value:,}" for value in sums), n=len(rows))
        wrong = []
        if self.least and sums[self.least[0]] < self.least[1] // scale:
            wrong.append(f"{self.what}: {text}: wanted are {self.least[1] // scale:,}")
        if any(sums[group] for group in self.zero):
            wrong.append(f"{self.what}: {text}: there may be none")
        return text, wrong


def number(text):
    """As the rigs write it: digits, or spin's 1.38e+08."""
    text = text.replace(",", "")
    return int(text) if text.isdigit() else int(float(text))


@dataclass
class Step:
    name: str
    minutes: int  # before it is ended
    size: int
    command: str
    figures: list = field(default_factory=list)


class Planted(Figure):
    """Errors planted for the rig, which prints a line for each that it found and fails for one that it did not."""

    def __init__(self, least):
        super().__init__("errors planted, and found", r"^planted: ", "{n}")
        self.lines = least

    def read(self, log, scale):
        found = len(re.findall(self.pattern, log, re.M))
        return str(found), [] if found >= self.lines else [f"{self.what}: {found} of {self.lines}"]


STEPS = [
    Step("power", 20, 50, "make check-power CUTS={N}", [
        Figure("power cuts of the real binary", r"^cuts: \w+: (\d+) power cuts, (\d+) numbers, (\d+) twice, (\d+) wrong",
               "{0} cuts: {1} numbers, {2} twice, {3} wrong", (1, 100000), (2, 3)),
        Planted(2)]),
    Step("states", 20, 20000, "make check-states STATES={N}", [
        Figure("disks as a power cut may leave them, ext4 and xfs",
               r"^states: .*: (\d+) states, (\d+) wrong; (\d+) commits, .* (\d+) I/O errors",
               "{0} states, {1} wrong; {2} commits, {3} I/O errors", (0, 20000), (1,)),
        Planted(5)]),
    Step("crash", 10, 2000, "make check-crash KILLS={N}", [
        Figure("SIGKILL", r"^kills: (\d+) under load, (\d+) while it started, (\d+) while it stopped, (\d+) while",
               "{0} under load, {1} at the start, {2} at the stop, {3} while its directory was made"),
        Figure("numbers received through them",
               r"^(\d+) numbers received, (\d+) twice, (\d+) gaps too large, (\d+) lost at (\d+) clean stops",
               "{0} numbers, {1} twice, {2} gaps above max_gap, {3} lost at {4} clean stops", (0, 10000000), (1, 2, 3)),
        Figure("the ledger of all that, read by seqctl verify", r"^verified: ([\d,]+) rows", "{0} rows, no two leases overlap")]),
    Step("planted", 5, 0, "make check-planted", [Planted(3)]),
    Step("faults", 15, 20000, "make check-faults FAULTS={N}", [
        Figure("calls and allocations that failed, each in every way", r"^faults: (\d+) tried .*, (\d+) wrong",
               "{0} tried, {1} wrong", (0, 2000), (1,))]),
    Step("damages", 10, 0, "make check-damages", [
        Figure("damages to the files of a data directory",
               r"^damages: (\d+) tried .*, (\d+) wrong; (\d+) well, (\d+) refused, (\d+) ended",
               "{0} tried, {1} wrong; {2} served or repaired, {3} refused, {4} ended by a signal in LMDB", (0, 3000), (1,))]),
    Step("faults-planted", 10, 0, "make check-faults-planted", [Planted(7)]),
    Step("sim", 30, 5000000, "make check-sim SEEDS={N}", [
        Figure("simulated worlds of the real core", r"^ok: (\d+) seeds of the real core", "{0} seeds", (0, 5000000)),
        Figure("what happened in them",
               r"^sim: (\d+) of \1 seeds: (\d+) lives, (\d+) kills, (\d+) numbers, (\d+) of them timestamps",
               "{1} lives, {2} kills, {3} numbers, {4} of them timestamps under a clock that steps: none twice, each in order")]),
    Step("sim-planted", 5, 0, "make check-sim-planted", [Planted(16)]),
    Step("model", 30, 0, "make check-model FULL=1", [
        Figure("states of the model, searched whole", r"^ok: .*: no error in ([\d.e+]+) states",
               "{0} in {n} searches, no error"),
        Planted(7)]),
    Step("clock", 10, 200, "make check-system ONLY=test_clock CLOCK_RUNS={N} TEST_LIMIT_SECONDS=600", [
        Figure("clock jumps under the daemon", r"^clock: (\d+) jumps in (\d+) lives, (\d+) numbers",
               "{0} jumps in {1} lives: {2} numbers, each above all before", (0, 200))]),
    Step("schedules", 10, 100000, "make check-unit ONLY=timed SCHEDULES={N}", [
        Figure("tests of timestamps under clock schedules", r"^(\d+) passed, (\d+) failed", "{0} passed, {1} failed",
               (), (1,))]),
    Step("load", 5, 20000000, "make check-load NUMBERS={N}", [
        Figure("numbers over 64 connections", r"^ok: (\d+) numbers in ", "{0}, none twice, none out of order", (0, 20000000))]),
    Step("grpc", 5, 0, "make check-grpc", [
        Figure("HTTP and gRPC on one sequence, SIGKILL among them",
               r"^(\d+) numbers over both protocols, (\d+) kills, (\d+) duplicates",
               "{0} numbers, {1} kills, {2} duplicates", (), (2,))]),
    Step("grpc-planted", 10, 0, "make check-grpc-planted", [Planted(80)]),
    Step("flood", 10, 10000, "make check-flood CONNECTIONS={N}", [
        Figure("another client meanwhile", r"^  meanwhile: (\d+) requests of another client, (\d+) failed",
               "{0} requests in {n} floods, {1} failed", (), (1,))]),
    Step("fuzz", 15, 1000000, "make VARIANT=asan check-fuzz REQUESTS={N}", [
        Figure("random requests, AddressSanitizer", r"^(\d+) requests, (\d+) answers", "{0} requests", (0, 1000000))]),
    Step("fuzzers", 15, 60, "make check-fuzzers FUZZ_SECONDS={N}", [
        Figure("inputs of libFuzzer, both sanitizers", r"^ok: fuzz_\w+: corpus of (\d+), (\d+) executions",
               "{n} fuzzers, {1} inputs", (1, 1000000))]),
    Step("fuzzers-planted", 5, 0, "make check-fuzzers-planted", [Planted(20)]),
]
