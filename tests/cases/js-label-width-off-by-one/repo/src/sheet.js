import { columnWidth, paginate } from './layout.js';

const COLUMNS = 2;

function price(cents) {
  return `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
}

/** Renders labels as plain text sheets, two columns a row. */
export function renderSheets(labels, perPage = 4) {
  return paginate(labels, perPage).map((page) => {
    const width = columnWidth(page);
    const cells = page.map((label) => `${label.title.padEnd(width)} ${price(label.cents)}`);
    return paginate(cells, COLUMNS).map((row) => row.join(' | ')).join('\n');
  });
}

export { price };
