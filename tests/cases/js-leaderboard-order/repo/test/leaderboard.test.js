'use strict';

const test = require('node:test');
const assert = require('node:assert/strict');
const { scoreOf } = require('../src/scores');
const { leaderboard, podium } = require('../src/leaderboard');

const team = (name, seconds, ...levels) => ({
  name,
  seconds,
  answers: levels.map((level) => ({ level, correct: true })),
});

test('only right answers count', () => {
  assert.equal(scoreOf([{ level: 'hard', correct: true }, { level: 'easy', correct: false }]), 5);
});

test('more points come first', () => {
  const rows = leaderboard([team('Owls', 90, 'easy'), team('Foxes', 99, 'hard')]);
  assert.deepEqual(rows.map((r) => [r.place, r.name]), [[1, 'Foxes'], [2, 'Owls']]);
});

test('a podium has at most three places', () => {
  assert.equal(podium([team('A', 1, 'easy'), team('B', 1, 'medium'), team('C', 1, 'hard'), team('D', 1)]).length, 3);
});

test('the faster of two equal teams is ahead', () => {
  assert.deepEqual(podium([team('Slow', 310, 'hard'), team('Fast', 205, 'hard')]), ['Fast', 'Slow']);
});
