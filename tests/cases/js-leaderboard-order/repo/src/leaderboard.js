'use strict';

const { scoreOf } = require('./scores');

/** Teams by points, most first; equal points go to the team that was faster. */
function leaderboard(teams) {
  const rows = teams.map((team) => ({
    name: team.name,
    points: scoreOf(team.answers),
    seconds: team.seconds,
  }));
  rows.sort((a, b) => b.points - a.points || b.seconds - a.seconds);
  return rows.map((row, index) => ({ place: index + 1, ...row }));
}

function podium(teams) {
  return leaderboard(teams).slice(0, 3).map((row) => row.name);
}

module.exports = { leaderboard, podium };
