"""What a tenant's pages look like."""
from dataclasses import dataclass

DEFAULT_COLOUR = "#335577"


@dataclass(frozen=True)
class Branding:
    title: str
    colour: str
    footer: str
    languages: tuple


def branding(settings):
    """Reads the branding out of raw settings; everything in them is optional."""
    colour = settings.get("colour") or DEFAULT_COLOUR
    footer = settings.get("footer").strip()
    languages = settings.get("languages", "en").split(",")
    return Branding(
        title=settings.get("title", "").strip() or "Untitled",
        colour=colour.lower(),
        footer=footer,
        languages=tuple(part.strip() for part in languages),
    )
