import { addMonths, iso, parseDay } from './calendar.js';

const MONTHS = { monthly: 1, quarterly: 3, yearly: 12 };

/** The first `count` billing days of a subscription, the start included. */
export function billingDays(start, plan, count) {
  const months = MONTHS[plan];
  if (!months) throw new RangeError(`unknown plan ${plan}`);
  const first = parseDay(start);
  return Array.from({ length: count }, (_, n) => iso(addMonths(first, n * months)));
}
