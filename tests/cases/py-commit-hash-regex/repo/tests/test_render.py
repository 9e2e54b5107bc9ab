import unittest

from changelog.commits import parse_commit
from changelog.render import render


class RenderTest(unittest.TestCase):
    def test_kinds_have_sections(self):
        text = render("1a2b3c4 fix: no more tears\n0f0f0f0 feat(ui): dark mode\n")
        self.assertEqual(text, "### Added\n- dark mode (0f0f0f0)\n\n### Fixed\n- no more tears (1a2b3c4)")

    def test_other_commits_are_left_out(self):
        self.assertEqual(render("1a2b3c4 Merge branch main"), "")

    def test_subjects_may_hold_anything(self):
        self.assertEqual(parse_commit("1a2b3c4 fix: a 7f7f7f7 b").subject, "fix: a 7f7f7f7 b")

    def test_big_repositories_have_longer_hashes(self):
        self.assertEqual(render("1a2b3c4d5e fix: page faults"), "### Fixed\n- page faults (1a2b3c4d5e)")
