import test from 'node:test';
import assert from 'node:assert/strict';
import { parseDay } from '../src/calendar.js';
import { billingDays } from '../src/schedule.js';

test('a day must look like one', () => {
  assert.throws(() => parseDay('1/2/2024'), RangeError);
});

test('monthly plans bill on the same day', () => {
  assert.deepEqual(billingDays('2024-01-15', 'monthly', 3), ['2024-01-15', '2024-02-15', '2024-03-15']);
});

test('yearly plans cross the year', () => {
  assert.deepEqual(billingDays('2023-06-01', 'yearly', 2), ['2023-06-01', '2024-06-01']);
});

test('a subscription from the 31st bills on the last day of shorter months', () => {
  assert.deepEqual(billingDays('2023-01-31', 'monthly', 4), ['2023-01-31', '2023-02-28', '2023-03-31', '2023-04-30']);
});
