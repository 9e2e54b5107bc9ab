/** A movement that the warehouse cannot make. */
export class StockError extends Error {
  constructor(message) {
    super(message);
    this.name = 'StockError';
  }
}

/** Articles by number. An article on its way between two houses has no location. */
export class Stock {
  #items = new Map();

  constructor(items = []) {
    for (const item of items) this.#items.set(item.sku, { ...item });
  }

  find(sku) {
    return this.#items.get(sku) ?? null;
  }

  all() {
    return [...this.#items.values()].sort((a, b) => a.sku.localeCompare(b.sku));
  }

  /** Books goods in (positive) or out (negative). */
  move(sku, quantity) {
    const item = this.find(sku);
    if (!item) throw new StockError(`unknown article ${sku}`);
    if (item.quantity + quantity < 0) throw new StockError(`only ${item.quantity} of ${sku} left`);
    item.quantity += quantity;
    return item;
  }
}
