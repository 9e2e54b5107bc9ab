import test from 'node:test';
import assert from 'node:assert/strict';
import { paginate } from '../src/layout.js';
import { price, renderSheets } from '../src/sheet.js';

test('pages are cut to size', () => {
  assert.deepEqual(paginate([1, 2, 3], 2), [[1, 2], [3]]);
  assert.deepEqual(paginate([], 2), []);
});

test('prices always have two decimals', () => {
  assert.deepEqual([5, 1999, 300].map(price), ['0.05', '19.99', '3.00']);
});

test('nothing to print gives no sheet', () => {
  assert.deepEqual(renderSheets([]), []);
});

test('labels of one sheet are aligned', () => {
  const sheet = renderSheets([{ title: 'Tea', cents: 450 }, { title: 'Coffee', cents: 1200 }, { title: 'Jam', cents: 99 }]);
  assert.deepEqual(sheet, ['Tea    4.50 | Coffee 12.00\nJam    0.99']);
});
