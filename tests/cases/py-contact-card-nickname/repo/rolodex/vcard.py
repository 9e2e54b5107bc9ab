"""The text form of a contact card."""

_ESCAPES = str.maketrans({"\\": "\\\\", ",": "\\,", ";": "\\;", "\n": "\\n"})


def field(name, value):
    return f"{name}:{value.translate(_ESCAPES)}"


def card(fields):
    """A card of `(name, value)` fields; fields without a value are left out."""
    body = [field(name, value) for name, value in fields if value]
    return "\n".join(["BEGIN:VCARD", "VERSION:4.0", *body, "END:VCARD"])
