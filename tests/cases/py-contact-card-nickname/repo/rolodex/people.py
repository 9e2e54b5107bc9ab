"""People as the directory exports them."""
from rolodex.vcard import card


def full_name(person):
    return f"{person['given']} {person['family']}".strip()


def contact_card(person):
    """The card of one person; everything but the name is optional."""
    nickname = person["nickname"]
    mail = person.get("mail")
    phones = person.get("phones", [])
    return card([("FN", full_name(person)), ("NICKNAME", nickname), ("EMAIL", mail), *(("TEL", p) for p in phones)])


def address_book(people):
    """All cards, by family name."""
    ordered = sorted(people, key=lambda person: (person["family"], person["given"]))
    return "\n".join(contact_card(person) for person in ordered)
