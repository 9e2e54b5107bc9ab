import { pickList, shelfOf } from './picking.js';
import { StockError } from './stock.js';

const ok = (body) => ({ status: 200, body });

function listItems(stock) {
  return stock.all().map((item) => ({ sku: item.sku, quantity: item.quantity, shelf: shelfOf(item) }));
}

/** Finds what answers a request; the transport is the server's business. */
export function route(stock, method, url, body) {
  const name = `${method} ${url.pathname}`;
  if (name === 'GET /items') return ok(listItems(stock));
  if (name === 'GET /pick-list') {
    const skus = (url.searchParams.get('skus') ?? '').split(',').filter(Boolean);
    return ok(pickList(stock, skus));
  }
  if (name === 'POST /movements') {
    try {
      return ok(stock.move(body.sku, body.quantity));
    } catch (error) {
      if (error instanceof StockError) return { status: 409, body: { error: error.message } };
      throw error;
    }
  }
  return { status: 404, body: { error: 'not found' } };
}
