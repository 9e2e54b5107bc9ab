#!/usr/bin/env bash
# Says in the operator's tracking issue that the schedule failed three times in a row: once, and again only after it had
# worked in between. Called by the workflows when a scheduled run failed; needs `gh`, and GH_TOKEN with `issues: write`.
#
# Writes nothing before the third failure, and nothing but fixed sentences and addresses of runs.
set -euo pipefail

readonly IN_A_ROW=3 TITLE=Homeostat
readonly MARKER='<!-- homeostat:tracking -->' SAID='<!-- homeostat:schedule-failing -->'

: "${GITHUB_REPOSITORY:?}" "${GITHUB_RUN_ID:?}" "${GITHUB_SERVER_URL:?}"

# This run is not over, so it counts by the fact that this is called.
workflow=$(gh api "repos/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID" --jq .workflow_id)
conclusions=$(gh api "repos/$GITHUB_REPOSITORY/actions/workflows/$workflow/runs?event=schedule&status=completed&per_page=20" \
  --jq '.workflow_runs[] | select(.id != '"${GITHUB_RUN_ID//[!0-9]/}"') | [.conclusion, .created_at] | @tsv')
failed=1
worked_at=""
while IFS=$'\t' read -r conclusion created_at; do
  case $conclusion in
    success) worked_at=$created_at; break ;;
    failure | timed_out | startup_failure) failed=$((failed + 1)) ;;
  esac
done <<<"$conclusions"
if [ "$failed" -lt "$IN_A_ROW" ]; then
  echo "The schedule failed $failed time(s) in a row; the issue is written at $IN_A_ROW."
  exit 0
fi

run="$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"
text="$SAID
The scheduled run failed $IN_A_ROW times in a row, last in $run. Nothing is repaired while it does. The summary of that run
says why, and docs/guides/troubleshooting.md what to do."
own="github-actions[bot]"
# `homeostat outcomes` writes the same issue, perhaps as an App or as a person who belongs here; a stranger's is none.
issue=$(gh api --paginate "repos/$GITHUB_REPOSITORY/issues?state=open&per_page=100" \
  --jq ".[] | select(.pull_request == null and .title == \"$TITLE\" and ((.body // \"\") | contains(\"$MARKER\")) and (.user.type == \"Bot\" or (.author_association | IN(\"OWNER\", \"MEMBER\", \"COLLABORATOR\")))) | .number" | sort -n | head -n 1)
if [ -z "$issue" ]; then
  gh api "repos/$GITHUB_REPOSITORY/issues" -f title="$TITLE" -f body="$MARKER
$text" --jq .html_url
  exit 0
fi
# Once for each time that it broke: what was said after it last worked is enough.
said=$(gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$issue/comments?per_page=100" \
  --jq ".[] | select((.user.login == \"$own\" or .user.type == \"Bot\") and (.body | startswith(\"$SAID\"))) | .created_at" | sort | tail -n 1)
if [ -z "$said" ]; then
  said=$(gh api "repos/$GITHUB_REPOSITORY/issues/$issue" --jq "select((.body // \"\") | contains(\"$SAID\")) | .created_at")
fi
if [ -n "$said" ] && [[ $said > $worked_at ]]; then
  echo "Issue $issue says it already."
  exit 0
fi
gh api "repos/$GITHUB_REPOSITORY/issues/$issue/comments" -f body="$text" --jq .html_url
