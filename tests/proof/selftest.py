#!/usr/bin/python3
"""The proof itself: what it must take for a failure, it takes for one."""
import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import prove
from steps import STEPS, Figure, Planted, Step

CUTS = Figure("cuts", r"^cuts: (\d+) cuts, (\d+) twice", "{0} cuts, {1} twice", (0, 50), (1,))


def judge(*steps, scale=1, minutes=1):
    """The exit status of a proof of these steps, and its report."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()), \
            mock.patch.object(prove, "STEPS", [Step(f"rig{at}", minutes, 100, command, figures)
                                               for at, (command, figures) in enumerate(steps)]), \
            mock.patch.object(sys, "argv", ["prove.py", "--scale", str(scale), "--out", folder]):
        return prove.main(), Path(folder, "report.md").read_text()


class Proof(unittest.TestCase):
    def test_sums_over_all_lines_and_quotes_them(self):
        status, report = judge(("printf 'cuts: 30 cuts, 0 twice\\ncuts: 1e3 x\\ncuts: 20 cuts, 0 twice\\n'", [CUTS]))
        self.assertEqual(status, 0)
        self.assertIn("| cuts | 50 cuts, 0 twice |", report)
        self.assertTrue(report.startswith("Every rig held"))

    def test_a_rig_that_fails_fails_it_and_the_others_still_run(self):
        status, report = judge(("echo 'cuts: 50 cuts, 0 twice'; exit 3", [CUTS]), ("echo planted: a", [Planted(1)]))
        self.assertEqual(status, 1)
        self.assertIn("FAILED: rig0: exit status 3", report)
        self.assertIn("| errors planted, and found | 1 |", report)

    def test_a_figure_that_is_not_printed_fails_it(self):
        self.assertEqual(judge(("echo ok", [CUTS]))[0], 1)

    def test_a_figure_below_the_least_fails_it(self):
        self.assertEqual(judge(("echo 'cuts: 49 cuts, 0 twice'", [CUTS]))[0], 1)

    def test_a_slice_needs_a_slice_of_it(self):
        status, report = judge(("echo 'cuts: {N} cuts, 0 twice'", [CUTS]), scale=10)
        self.assertEqual(status, 0)
        self.assertIn("10 cuts", report)

    def test_one_where_there_may_be_none_fails_it(self):
        self.assertEqual(judge(("echo 'cuts: 50 cuts, 1 twice'", [CUTS]))[0], 1)

    def test_a_planted_error_that_is_not_found_fails_it(self):
        self.assertEqual(judge(("echo planted: a", [Planted(2)]))[0], 1)

    def test_a_rig_that_does_not_end_fails_it(self):
        status, report = judge(("sleep 60", []), minutes=0.005)
        self.assertEqual(status, 1)
        self.assertIn("still running", report)

    def test_what_failed_can_be_run_again_by_itself(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            command = f"[ -e {folder}/again ] || {{ touch {folder}/again; exit 1; }}; echo 'cuts: 50 cuts, 0 twice'"
            steps = [Step("one", 1, 0, command, [CUTS]), Step("two", 1, 0, "echo planted: a", [Planted(1)])]
            for only, status, begin in ("", 1, "2 failures"), ("one", 0, "Every rig held"):
                with mock.patch.object(prove, "STEPS", steps), \
                        mock.patch.object(sys, "argv", ["prove.py", "--out", folder, "--only", only]):
                    self.assertEqual(prove.main(), status)
                report = Path(folder, "report.md").read_text()
                self.assertTrue(report.startswith(begin), report)
                self.assertIn("| errors planted, and found | 1 |", report)

    def test_a_report_says_what_was_not_run(self):
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()), \
                mock.patch.object(prove, "STEPS", [Step("one", 1, 0, "true", []), Step("two", 1, 0, "true", [])]), \
                mock.patch.object(sys, "argv", ["prove.py", "--out", folder, "--only", "two"]):
            self.assertEqual(prove.main(), 0)
            report = Path(folder, "report.md").read_text()
            self.assertTrue(report.startswith("Not all rigs were run"))
            self.assertIn("NOT RUN: one", report)

    def test_a_step_has_a_name_of_its_own(self):
        names = [step.name for step in STEPS]
        self.assertEqual(len(names), len(set(names)))


if __name__ == "__main__":
    unittest.main()
