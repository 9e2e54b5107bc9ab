export const iso = (date) => date.toISOString().slice(0, 10);

export function parseDay(text) {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) throw new RangeError(`not a day: ${text}`);
  return new Date(`${text}T00:00:00Z`);
}

/** The same day `count` months later. */
export function addMonths(date, count) {
  const result = new Date(date);
  result.setUTCMonth(result.getUTCMonth() + count);
  return result;
}
