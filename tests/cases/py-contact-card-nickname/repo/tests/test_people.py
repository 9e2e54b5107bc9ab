import unittest

from rolodex.people import address_book, contact_card
from rolodex.vcard import field

ADA = {"given": "Ada", "family": "Lovelace", "nickname": "Countess", "mail": "ada@example.org"}
GRACE = {"given": "Grace", "family": "Hopper", "phones": ["+1 555 0100"]}


class PeopleTest(unittest.TestCase):
    def test_special_characters_are_escaped(self):
        self.assertEqual(field("NOTE", "a,b;c"), "NOTE:a\\,b\\;c")

    def test_a_card_holds_what_is_known(self):
        self.assertIn("NICKNAME:Countess\nEMAIL:ada@example.org\nEND", contact_card(ADA))

    def test_a_person_needs_a_name(self):
        with self.assertRaises(KeyError):
            contact_card({"nickname": "Nobody"})

    def test_most_people_have_no_nickname(self):
        book = address_book([ADA, GRACE])
        self.assertTrue(book.startswith("BEGIN:VCARD\nVERSION:4.0\nFN:Grace Hopper\nTEL:+1 555 0100\nEND:VCARD"), book)
