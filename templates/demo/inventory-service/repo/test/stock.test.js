import { test } from 'node:test';
import assert from 'node:assert/strict';
import { Stock, StockError } from '../src/stock.js';

test('goods are booked in and out', () => {
  const stock = new Stock([{ sku: 'LAMP', quantity: 4 }]);
  assert.equal(stock.move('LAMP', -3).quantity, 1);
});

test('more than there is cannot be taken', () => {
  const stock = new Stock([{ sku: 'LAMP', quantity: 4 }]);
  assert.throws(() => stock.move('LAMP', -5), StockError);
});
