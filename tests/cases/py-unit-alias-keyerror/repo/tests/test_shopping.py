import unittest

from larder.shopping import shopping_list
from larder.units import canonical


class ShoppingTest(unittest.TestCase):
    def test_weights_are_added_up(self):
        self.assertEqual(shopping_list(["0.5 kg Flour\n2 oz butter", "250 g flour"]), ["56 g butter", "750 g flour"])

    def test_lines_without_a_quantity_stay(self):
        self.assertEqual(shopping_list(["salt", "salt\npepper"]), ["salt", "pepper"])

    def test_dots_and_case_do_not_matter(self):
        self.assertEqual([canonical("Lb."), canonical("KILO")], ["lb", "kg"])

    def test_units_may_be_in_the_plural(self):
        self.assertEqual(shopping_list(["2 pounds apples", "3 cups sugar"]), ["908 g apples", "720 g sugar"])
