'use strict';

const POINTS = { easy: 1, medium: 3, hard: 5 };

function scoreOf(answers) {
  return answers.filter((a) => a.correct).reduce((sum, a) => sum + POINTS[a.level], 0);
}

module.exports = { scoreOf };
