import test from 'node:test';
import assert from 'node:assert/strict';
import { groupBy, recent } from '../src/window.js';
import { statusPage } from '../src/summary.js';

const now = 1_000_000;

test('old samples fall out of the window', () => {
  assert.deepEqual(recent([{ at: now - 5 }, { at: now - 50 }], now, 10), [{ at: now - 5 }]);
});

test('groups keep the order of their items', () => {
  const groups = groupBy([{ r: 'a', n: 1 }, { r: 'b', n: 2 }, { r: 'a', n: 3 }], 'r');
  assert.deepEqual(groups.get('a').map((i) => i.n), [1, 3]);
});

test('a busy service shows requests and time', () => {
  const samples = [{ at: now - 1, ms: 12.25, route: '/b' }, { at: now - 2, ms: 3.5, route: '/a' }];
  const [row] = statusPage([{ name: 'api', samples, outages: [{ from: 0, to: 40 }] }], now);
  assert.deepEqual(row, { name: 'api', requests: 2, busyMs: 15.8, downMs: 40, routes: ['/a', '/b'] });
});

test('a service without traffic in the window shows zeros', () => {
  const [row] = statusPage([{ name: 'batch', samples: [{ at: 1, ms: 9, route: '/' }] }], now);
  assert.deepEqual(row, { name: 'batch', requests: 0, busyMs: 0, downMs: 0, routes: [] });
});
