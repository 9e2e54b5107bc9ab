import test from 'node:test';
import assert from 'node:assert/strict';
import { parseRates } from '../src/rates.js';
import { quote } from '../src/quote.js';

const table = parseRates('usd 1.08\nJPY 160 0\n');

test('amounts are converted over the euro', () => {
  assert.equal(quote(table, 108, 'USD', 'EUR'), 100);
});

test('yen have no decimals', () => {
  assert.equal(quote(table, 0.99, 'eur', 'JPY'), 158);
});

test('a currency without a rate is refused', () => {
  assert.throws(() => quote(table, 1, 'XXX', 'EUR'), RangeError);
});

test('codes are accepted in either case', () => {
  assert.equal(quote(table, 50, 'EUR', 'usd'), 54);
});
