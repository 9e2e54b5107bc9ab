from blogtools.slug import slugify


class DuplicateSlug(ValueError):
    """Two posts would have the same address."""


def build_index(titles):
    """Maps the address of each post to its title."""
    index = {}
    for title in titles:
        slug = slugify(title)
        if slug in index:
            raise DuplicateSlug(f"{title!r} and {index[slug]!r} are both /{slug}/")
        index[slug] = title
    return index
