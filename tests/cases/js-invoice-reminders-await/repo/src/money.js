'use strict';

function createFormatter(currency) {
  const symbol = { EUR: '€', USD: '$', GBP: '£' }[currency] ?? `${currency} `;
  return { format: (cents) => `${symbol}${(cents / 100).toFixed(2)}` };
}

module.exports = { createFormatter };
