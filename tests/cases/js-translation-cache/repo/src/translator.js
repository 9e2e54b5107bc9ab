'use strict';

const { lookup } = require('./catalog');

const MAX_ENTRIES = 500;

/** Translates keys, remembering answers, since a menu repeats most of them. */
class Translator {
  #cache = new Map();

  constructor(find = lookup) {
    this.find = find;
  }

  translate(locale, key) {
    const known = this.#cache.get(key);
    if (known !== undefined) return known;
    const text = this.find(locale, key);
    if (this.#cache.size >= MAX_ENTRIES) this.#cache.clear();
    this.#cache.set(key, text);
    return text;
  }

  card(locale, keys) {
    return keys.map((key) => this.translate(locale, key)).join(', ');
  }
}

module.exports = { Translator };
