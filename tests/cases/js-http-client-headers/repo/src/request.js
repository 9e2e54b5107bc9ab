'use strict';

const { queryString } = require('./query');

const BASE_HEADERS = { accept: 'application/json', 'user-agent': 'tiny-fetch/3' };

function normaliseHeaders(extra) {
  const headers = {};
  for (const [name, value] of Object.entries(BASE_HEADERS)) {
    headers[name] = value;
  }
  for (const [name, value] of Object.entries(extra)) {
    headers[name.toLowerCase()] = String(value).trim();
  }
  return headers;
}

/** Builds the plain description of a request; sending is the transport's business. */
function buildRequest(url, options = {}) {
  const { method = 'GET', headers, query, body } = options;
  return {
    method: method.toUpperCase(),
    url: query ? `${url}?${queryString(query)}` : url,
    headers: normaliseHeaders(headers),
    body: body === undefined ? null : JSON.stringify(body),
  };
}

module.exports = { buildRequest, normaliseHeaders };
