"""Where the raw settings come from."""
import json
from pathlib import Path


class SettingsStore:
    """One JSON file for each tenant in a folder."""

    def __init__(self, folder):
        self.folder = Path(folder)

    def load(self, tenant):
        path = self.folder / f"{tenant}.json"
        if not path.exists():
            return {}
        return json.loads(path.read_text(encoding="utf-8"))
