'use strict';

const CATALOG = {
  de: { soup: 'Suppe', bread: 'Brot', 'price-note': 'Preise inkl. MwSt.' },
  en: { soup: 'soup', bread: 'bread' },
  fr: { soup: 'soupe', bread: 'pain' },
};

function lookup(locale, key) {
  return CATALOG[locale]?.[key] ?? CATALOG.en[key] ?? key;
}

module.exports = { lookup };
