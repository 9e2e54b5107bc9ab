'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { Translator } = require('../src/translator');

test('a card lists its dishes', () => {
  assert.equal(new Translator().card('de', ['soup', 'bread']), 'Suppe, Brot');
});

test('an unknown key stands for itself', () => {
  assert.equal(new Translator().translate('fr', 'goulash'), 'goulash');
});

test('the catalogue is asked once for a repeated key', () => {
  let asked = 0;
  const translator = new Translator(() => `answer ${++asked}`);
  assert.equal(translator.card('en', ['soup', 'soup']), 'answer 1, answer 1');
});

test('one translator serves guests of several languages', () => {
  const translator = new Translator();
  assert.equal(translator.card('de', ['soup']), 'Suppe');
  assert.equal(translator.card('fr', ['soup']), 'soupe');
});
