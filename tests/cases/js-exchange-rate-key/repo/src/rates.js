/** Reads a rate table: one `CODE rate` a line, rates per euro. */
export function parseRates(text) {
  const table = new Map([['EUR', { rate: 1, digits: 2 }]]);
  for (const line of text.split('\n')) {
    const [code, rate, digits] = line.trim().split(/\s+/);
    if (!rate) continue;
    table.set(code.toUpperCase(), { rate: Number(rate), digits: Number(digits ?? 2) });
  }
  return table;
}
