'use strict';

const DEFAULTS = { locale: 'en', page: 1 };

function queryString(params) {
  const merged = { ...DEFAULTS, ...params };
  return Object.keys(merged)
    .sort()
    .map((key) => `${encodeURIComponent(key)}=${encodeURIComponent(merged[key])}`)
    .join('&');
}

module.exports = { queryString };
