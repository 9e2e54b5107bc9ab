"""Addresses of posts."""
import re
import unicodedata

_NOT_WORD = re.compile(r"[^a-z]+")


def slugify(title, limit=60):
    """Lower case, plain letters and digits, hyphens between words."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode("ascii")
    slug = _NOT_WORD.sub("-", plain.lower()).strip("-")
    return slug[:limit].rstrip("-")
