import { test } from 'node:test';
import assert from 'node:assert/strict';
import { route } from '../src/routes.js';
import { Stock } from '../src/stock.js';

const stock = () =>
  new Stock([
    { sku: 'LAMP', name: 'Desk lamp', quantity: 4, location: { shelf: 'B-10' } },
    { sku: 'CHAIR', name: 'Chair', quantity: 2, location: { shelf: 'B-2' } },
  ]);

const get = (path, from = stock()) => route(from, 'GET', new URL(path, 'http://localhost'), null);

test('pick lists are in walking order', () => {
  const { body } = get('/pick-list?skus=LAMP,CHAIR,DESK');
  assert.deepEqual(body.pick.map((line) => line.shelf), ['B-2', 'B-10']);
  assert.deepEqual(body.unknown, ['DESK']);
});

test('a movement that cannot be made is a conflict', () => {
  const answer = route(stock(), 'POST', new URL('http://localhost/movements'), { sku: 'SOFA', quantity: 1 });
  assert.deepEqual(answer, { status: 409, body: { error: 'unknown article SOFA' } });
});

test('unknown addresses are not found', () => {
  assert.equal(get('/orders').status, 404);
});

test('articles in transit are listed without a shelf', () => {
  const moving = new Stock([{ sku: 'DESK', name: 'Desk', quantity: 1 }]);
  assert.deepEqual(get('/items', moving).body, [{ sku: 'DESK', quantity: 1, shelf: 'in transit' }]);
  assert.deepEqual(get('/pick-list?skus=DESK', moving).body, { pick: [], waiting: ['DESK'], unknown: [] });
});
