'use strict';

const { test, describe } = require('node:test');
const assert = require('node:assert/strict');
const { buildRequest } = require('../src/request');
const { queryString } = require('../src/query');

describe('query strings', () => {
  test('are sorted and escaped', () => {
    assert.equal(queryString({ q: 'a b', page: 2 }), 'locale=en&page=2&q=a%20b');
  });
});

describe('requests', () => {
  test('lower-case the names of extra headers', () => {
    const request = buildRequest('https://api.example.org/v1', { headers: { 'X-Trace': ' 7 ' } });
    assert.equal(request.headers['x-trace'], '7');
    assert.equal(request.headers.accept, 'application/json');
  });

  test('serialise the body', () => {
    const request = buildRequest('https://api.example.org/v1', { method: 'post', headers: {}, body: { a: 1 } });
    assert.deepEqual([request.method, request.body], ['POST', '{"a":1}']);
  });

  test('need no headers of their own', () => {
    const request = buildRequest('https://api.example.org/v1', { query: { page: 3 } });
    assert.equal(request.url, 'https://api.example.org/v1?locale=en&page=3');
    assert.deepEqual(Object.keys(request.headers), ['accept', 'user-agent']);
  });
});
