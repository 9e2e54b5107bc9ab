/** Keeps the samples that are no older than `spanMs` at `now`. */
export function recent(samples, now, spanMs) {
  return samples.filter((s) => now - s.at <= spanMs);
}

export function groupBy(items, key) {
  const groups = new Map();
  for (const item of items) {
    const name = item[key];
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(item);
  }
  return groups;
}
