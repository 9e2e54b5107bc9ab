from collections import Counter

from logtally.parse import parse_line, user_agent


def tally(lines):
    """Counts requests by status class and by user agent."""
    classes, agents = Counter(), Counter()
    for line in lines:
        request = parse_line(line)
        if request is None:
            continue
        classes[f"{request['status'] // 100}xx"] += 1
        agents[user_agent(line) or "unknown"] += 1
    return classes, agents
