const NEEDS_QUOTES = /[",\r\n]/;

/** Renders one cell: nothing for a missing value, quotes only where they are needed. */
export function cell(value) {
  if (value === undefined || value === null) return '';
  const text = String(value);
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function line(cells) {
  return cells.map(cell).join(',');
}
