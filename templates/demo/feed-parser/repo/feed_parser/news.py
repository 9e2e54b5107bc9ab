"""What a reader has not seen."""


def unseen(items, since, seen_links=frozenset()):
    """Items published after `since` whose link is new; one link is told once."""
    told = set(seen_links)
    fresh = []
    for item in items:
        if item.published > since and item.link not in told:
            told.add(item.link)
            fresh.append(item)
    return fresh
