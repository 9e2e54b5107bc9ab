import json
import tempfile
import unittest
from pathlib import Path

from tenantd.branding import branding
from tenantd.store import SettingsStore


class BrandingTest(unittest.TestCase):
    def test_reads_what_is_there(self):
        result = branding({"title": " Rosa ", "colour": "#AABBCC", "footer": " (c) Rosa \n", "languages": "de, fr"})
        self.assertEqual(result.title, "Rosa")
        self.assertEqual(result.colour, "#aabbcc")
        self.assertEqual(result.footer, "(c) Rosa")
        self.assertEqual(result.languages, ("de", "fr"))

    def test_colour_falls_back(self):
        self.assertEqual(branding({"footer": "x", "colour": ""}).colour, "#335577")

    def test_new_tenant_gets_defaults(self):
        result = branding({})
        self.assertEqual((result.title, result.footer, result.languages), ("Untitled", "", ("en",)))


class StoreTest(unittest.TestCase):
    def test_unknown_tenant_has_no_settings(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(SettingsStore(folder).load("nobody"), {})

    def test_settings_are_read_from_json(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "rosa.json").write_text(json.dumps({"title": "Rosa"}), encoding="utf-8")
            self.assertEqual(SettingsStore(folder).load("rosa"), {"title": "Rosa"})
