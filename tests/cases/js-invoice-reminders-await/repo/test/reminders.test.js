'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { MemoryStore } = require('../src/store');
const { createFormatter } = require('../src/money');
const { daysLate, reminderFor } = require('../src/reminders');

const today = Date.parse('2024-06-15');
const store = new MemoryStore({
  customers: [{ id: 'c1', name: 'Ada', currency: 'EUR' }, { id: 'c2', name: 'Bo', currency: 'USD' }],
  invoices: [
    { customerId: 'c1', number: 'R-12', cents: 4200, dueOn: '2024-06-05' },
    { customerId: 'c1', number: 'R-09', cents: 990, dueOn: '2024-05-31' },
    { customerId: 'c2', number: 'R-10', cents: 500, dueOn: '2024-05-01', paidAt: '2024-05-02' },
  ],
});

test('amounts carry the sign of their currency', () => {
  assert.equal(createFormatter('EUR').format(990), '€9.90');
  assert.equal(createFormatter('SEK').format(100), 'SEK 1.00');
});

test('days late count whole days', () => {
  assert.equal(daysLate({ dueOn: '2024-06-05' }, today), 10);
});

test('an unknown customer is an error', async () => {
  await assert.rejects(reminderFor(store, 'nobody', today), /unknown customer nobody/);
});

test('a reminder lists late invoices, oldest first', async () => {
  const text = await reminderFor(store, 'c1', today);
  assert.match(text, /R-09 {2}€9\.90 {2}\(15 days late\)\n {2}R-12/);
});

test('nobody is reminded of a paid invoice', async () => {
  assert.equal(await reminderFor(store, 'c2', today), null);
});
