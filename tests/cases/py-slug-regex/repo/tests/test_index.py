import unittest

from blogtools.index import DuplicateSlug, build_index
from blogtools.slug import slugify


class SlugTest(unittest.TestCase):
    def test_accents_are_dropped(self):
        self.assertEqual(slugify("Über Crème brûlée!"), "uber-creme-brulee")

    def test_long_titles_are_cut_without_a_trailing_hyphen(self):
        self.assertEqual(slugify("abc def", limit=4), "abc")


class IndexTest(unittest.TestCase):
    def test_two_equal_titles_are_refused(self):
        with self.assertRaises(DuplicateSlug):
            build_index(["Hello", "hello"])

    def test_posts_of_a_series_have_their_own_address(self):
        index = build_index(["Week notes 11", "Week notes 12"])
        self.assertEqual(sorted(index), ["week-notes-11", "week-notes-12"])
