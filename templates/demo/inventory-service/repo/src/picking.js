const IN_TRANSIT = 'in transit';

/** Shelves are walked in the order of their names, aisle first. */
function byShelf(a, b) {
  return a.shelf.localeCompare(b.shelf, 'en', { numeric: true });
}

export function shelfOf(item) {
  return item.location.shelf ?? IN_TRANSIT;
}

/** What to fetch and where, in walking order; what cannot be fetched now stands apart. */
export function pickList(stock, skus) {
  const found = skus.map((sku) => stock.find(sku)).filter((item) => item !== null);
  const lines = found.map((item) => ({ sku: item.sku, name: item.name, shelf: shelfOf(item) }));
  return {
    pick: lines.filter((line) => line.shelf !== IN_TRANSIT).sort(byShelf),
    waiting: lines.filter((line) => line.shelf === IN_TRANSIT).map((line) => line.sku),
    unknown: skus.filter((sku) => stock.find(sku) === null),
  };
}
