import { test } from 'node:test';
import assert from 'node:assert/strict';
import { cell, line } from '../src/csv.js';
import { exportOrders } from '../src/export.js';

const order = (over = {}) => ({
  id: 'O-1001',
  status: 'paid',
  placedAt: '2024-03-09T10:15:00Z',
  customer: { email: 'ines@example.org' },
  lines: [{ sku: 'MUG', unitCents: 1250, quantity: 2 }],
  coupon: { code: 'SPRING' },
  ...over,
});

test('a cell is quoted only when it has to be', () => {
  assert.equal(cell('plain'), 'plain');
  assert.equal(cell('a "b", c'), '"a ""b"", c"');
});

test('missing values become empty cells', () => {
  assert.equal(line(['a', undefined, null, 0]), 'a,,,0');
});

test('an order with a coupon becomes one row', () => {
  const rows = exportOrders([order()]).split('\n');
  assert.equal(rows[1], 'O-1001,2024-03-09,ines@example.org,25.00,EUR,SPRING,1');
});

test('cancelled orders are left out', () => {
  assert.equal(exportOrders([order({ status: 'cancelled' })]).trim().split('\n').length, 1);
});

test('an order without a coupon has an empty coupon cell', () => {
  const rows = exportOrders([order({ id: 'O-1002', coupon: undefined })]).split('\n');
  assert.equal(rows[1], 'O-1002,2024-03-09,ines@example.org,25.00,EUR,,1');
});
