#!/usr/bin/env bash
# Posts a file as a comment of a pull request, or replaces the one that an earlier run
# has posted, which it knows by a mark.
set -euo pipefail
: "${GH_TOKEN:?}" "${REPOSITORY:?}" "${NUMBER:?}"

mark='<!-- karpenter plan -->'
body=$(mktemp)
trap 'rm -f "$body"' EXIT
{ echo "$mark"; cat "$1"; } > "$body"

earlier=$(gh api --paginate "repos/$REPOSITORY/issues/$NUMBER/comments" --jq ".[] | select(.body | startswith(\"$mark\")) | .id" | head -n 1)
if [[ -n $earlier ]]; then
	gh api --silent --method PATCH "repos/$REPOSITORY/issues/comments/$earlier" --field "body=@$body"
else
	gh api --silent --method POST "repos/$REPOSITORY/issues/$NUMBER/comments" --field "body=@$body"
fi
