/** Splits items into pages of `perPage`; the last one may be shorter. */
export function paginate(items, perPage) {
  const pages = [];
  for (let start = 0; start < items.length; start += perPage) {
    pages.push(items.slice(start, start + perPage));
  }
  return pages;
}

/** Widest label of a sheet, in characters; columns are set to that width. */
export function columnWidth(labels) {
  let width = 0;
  for (let i = 0; i <= labels.length; i++) {
    const text = labels[i].title;
    if (text.length > width) width = text.length;
  }
  return width;
}
