#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { exportOrders } from './export.js';

const [file] = process.argv.slice(2);
if (!file) {
  console.error('usage: order-export ORDERS.json');
  process.exit(2);
}
process.stdout.write(exportOrders(JSON.parse(readFileSync(file, 'utf8'))));
