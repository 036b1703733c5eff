#!/usr/bin/python3
"""The proof: every rig at full size, one after another, and a report of what they found.

    tests/proof/prove.py [--scale N] [--only NAME,NAME] [--out FOLDER] [--quote]

A rig that fails does not keep the others from running, and can be run again by itself: the report has the last result of
each. It lies in FOLDER/report.md (build/proof), and what each rig said beside it. The exit status is 0 when every rig held
and every figure was reached. --quote runs nothing: it puts the last report into docs/RELIABILITY.md."""
import argparse
import json
import platform
import re
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path

from steps import STEPS

DOCUMENT = Path("docs/RELIABILITY.md")
QUOTE = re.compile(r"(?<=<!-- the last proof -->\n).*?(?=<!-- its end -->\n)", re.S)
TICK_SECONDS = 1
LINE_EVERY_SECONDS = 60


class Progress:
    """A bar on a terminal, elsewhere a line for each step and each minute."""

    def __init__(self, steps):
        self.steps = steps
        self.begin = time.monotonic()
        self.terminal = sys.stdout.isatty()
        self.last_line = self.begin

    def elapsed(self):
        seconds = int(time.monotonic() - self.begin)
        return f"{seconds // 60:3d}:{seconds % 60:02d}"

    def show(self, done, name):
        if self.terminal:
            filled = 30 * done // self.steps
            print(f"\r\033[K{self.elapsed()} [{'#' * filled}{'.' * (30 - filled)}] {done}/{self.steps} {name}", end="", flush=True)
        elif time.monotonic() - self.last_line >= LINE_EVERY_SECONDS:
            self.line(f"… {name}")

    def line(self, text):
        self.last_line = time.monotonic()
        print(f"{chr(13) + chr(27) + '[K' if self.terminal else ''}{self.elapsed()} {text}", flush=True)


def run(step, command, log, progress, done):
    """The seconds that it took, and what went wrong with the run itself."""
    begin = time.monotonic()
    with log.open("w") as out:
        child = subprocess.Popen(["timeout", "-k", "10", f"{step.minutes}m", "bash", "-c", command],
                                 stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        while True:
            try:
                status = child.wait(TICK_SECONDS)
                break
            except subprocess.TimeoutExpired:
                progress.show(done, step.name)
    seconds = time.monotonic() - begin
    if status == 124:
        return seconds, [f"still running after {step.minutes} minutes"]
    return seconds, [f"exit status {status}"] if status else []


def prove(step, scale, out, progress, done):
    """Run it; its result, which is kept."""
    command = step.command.replace("{N}", str(max(step.size // scale, 1)))
    progress.line(f"{step.name}: {command}")
    log = out / f"{step.name}.log"
    seconds, wrong = run(step, command, log, progress, done)
    said = log.read_text(errors="replace")
    rows = []
    for figure in step.figures:
        text, missed = figure.read(said, scale)
        rows.append((figure.what, text, command))
        wrong += missed
    for text in wrong:
        progress.line(f"  FAILED: {step.name}: {text}; see {log}")
    for what, text, _ in rows:
        progress.line(f"  {what}: {text}")
    progress.line(f"{'FAILED' if wrong else 'ok'}: {step.name}: {seconds:.0f} s")
    result = {"rows": rows, "wrong": wrong, "seconds": seconds, "scale": scale, "commit": commit(),
              "day": f"{datetime.now(timezone.utc):%Y-%m-%d}"}
    (out / f"{step.name}.json").write_text(json.dumps(result))
    return result


def kept(step, scale, out):
    """Its last result at this scale, or None."""
    file = out / f"{step.name}.json"
    result = json.loads(file.read_text()) if file.exists() else None
    return result if result and result["scale"] == scale else None


def commit():
    """The commit that was proved, and whether the tree was as committed."""
    def git(*words):
        return subprocess.run(["git", *words], capture_output=True, text=True).stdout.strip()
    return (git("rev-parse", "--short=12", "HEAD") or "no commit") + (" and changes" if git("status", "--porcelain") else "")


def system():
    """What it ran on, as far as it matters to a reader."""
    release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
    cores = subprocess.run(["nproc"], capture_output=True, text=True).stdout.strip()
    return f"{release['PRETTY_NAME'].strip(chr(34))}, Linux {platform.release().split('-')[0]}, {cores} cores"


def listed(values):
    """Each once, in order."""
    return ", ".join(dict.fromkeys(values))


def report(results, missing, scale):
    """Markdown: docs/RELIABILITY.md quotes it."""
    failures = [f"{name}: {text}" for name, result in results.items() for text in result["wrong"]]
    verdict = f"{len(failures)} failures" if failures else "Every rig held" if not missing else "Not all rigs were run"
    minutes = sum(result["seconds"] for result in results.values()) / 60
    commits = listed(result["commit"] for result in results.values())
    days = listed(result["day"] for result in results.values())
    lines = [f"{verdict}: {days}, commit {commits}, {system()}, {minutes:.0f} minutes"
             + (f", a slice of one in {scale}" if scale > 1 else "") + ".", "",
             "| what | figure | command |", "| --- | --- | --- |"]
    lines += [f"| {what} | {text} | `{command}` |" for result in results.values() for what, text, command in result["rows"]]
    lines += [""] + [f"FAILED: {text}" for text in failures] + [f"NOT RUN: {name}" for name in missing]
    return "\n".join(lines).rstrip() + "\n"


def quote(text):
    """Put the report where the document has its place for it."""
    document = DOCUMENT.read_text()
    if not QUOTE.search(document):
        sys.exit(f"{DOCUMENT} has no place for the report")
    DOCUMENT.write_text(QUOTE.sub(lambda _: text, document))


def main():
    arguments = argparse.ArgumentParser(description="run every rig at full size and report")
    arguments.add_argument("--scale", type=int, default=1, help="a slice: all sizes divided by it")
    arguments.add_argument("--only", default="", help="these steps alone, with commas between them")
    arguments.add_argument("--out", type=Path, default=Path("build/proof"))
    arguments.add_argument("--quote", action="store_true", help="put the last report into the documentation")
    options = arguments.parse_args()
    if options.quote:
        quote((options.out / "report.md").read_text())
        return 0
    only = set(filter(None, options.only.split(",")))
    unknown = only - {step.name for step in STEPS}
    if unknown or options.scale < 1:
        arguments.error(f"no such step: {', '.join(sorted(unknown))}" if unknown else "--scale is 1 at least")
    steps = [step for step in STEPS if not only or step.name in only]
    options.out.mkdir(parents=True, exist_ok=True)
    progress = Progress(len(steps))
    failed = 0
    for done, step in enumerate(steps):
        failed += bool(prove(step, options.scale, options.out, progress, done)["wrong"])
    results = {step.name: kept(step, options.scale, options.out) for step in STEPS}
    missing = [name for name, result in results.items() if result is None]
    text = report({name: result for name, result in results.items() if result}, missing, options.scale)
    (options.out / "report.md").write_text(text)
    print(f"\n{text}\n{len(steps) - failed} passed, {failed} failed; {options.out / 'report.md'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
