import { line } from './csv.js';

export const HEADER = ['order', 'date', 'email', 'total', 'currency', 'coupon', 'lines'];

function money(cents) {
  return (cents / 100).toFixed(2);
}

function toRow(order) {
  const placed = order.placedAt.slice(0, 10);
  const total = order.lines.reduce((sum, item) => sum + item.unitCents * item.quantity, 0);
  return [
    order.id,
    placed,
    order.customer.email,
    money(total),
    order.currency ?? 'EUR',
    order.coupon.code,
    order.lines.length,
  ];
}

/** Turns orders into CSV text, header first, cancelled orders left out. */
export function exportOrders(orders) {
  const rows = orders.filter((order) => order.status !== 'cancelled').map(toRow);
  return [HEADER, ...rows].map(line).join('\n') + '\n';
}
