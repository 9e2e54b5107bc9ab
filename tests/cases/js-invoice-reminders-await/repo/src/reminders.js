'use strict';

const { createFormatter } = require('./money');

const DAY = 24 * 60 * 60 * 1000;

function daysLate(invoice, today) {
  return Math.floor((today - Date.parse(invoice.dueOn)) / DAY);
}

async function openInvoices(store, customerId) {
  const all = await store.invoicesOf(customerId);
  return all.filter((invoice) => !invoice.paidAt);
}

/** The invoices of one customer that are past due, oldest first. */
async function overdue(store, customerId, today) {
  const invoices = openInvoices(store, customerId);
  const late = invoices.filter((invoice) => daysLate(invoice, today) > 0);
  return late.sort((a, b) => Date.parse(a.dueOn) - Date.parse(b.dueOn));
}

/** The reminder's text, or null when the customer owes nothing. */
async function reminderFor(store, customerId, today) {
  const customer = await store.getCustomer(customerId);
  const formatter = createFormatter(customer.currency);
  const late = await overdue(store, customerId, today);
  if (late.length === 0) return null;
  const lines = late.map((i) => `  ${i.number}  ${formatter.format(i.cents)}  (${daysLate(i, today)} days late)`);
  return [`Dear ${customer.name},`, '', 'these invoices are still open:', ...lines, ''].join('\n');
}

module.exports = { daysLate, overdue, reminderFor };
