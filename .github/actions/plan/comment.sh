#!/usr/bin/env bash
# Posts a file as a comment of a pull request, or replaces the one that an earlier run
# has posted, which it knows by a mark. The token of a pull request from a fork may not
# write: then the job's summary, which has the same text, is all there is.
set -euo pipefail
: "${GH_TOKEN:?}" "${REPOSITORY:?}" "${NUMBER:?}"

mark='<!-- karpenter plan -->'
body=$(mktemp)
trap 'rm -f "$body"' EXIT
{ echo "$mark"; cat "$1"; } > "$body"

post() {
	local earlier
	earlier=$(gh api --paginate "repos/$REPOSITORY/issues/$NUMBER/comments" --jq ".[] | select(.body | startswith(\"$mark\")) | .id" | head -n 1) || return
	if [[ -n $earlier ]]; then
		gh api --silent --method PATCH "repos/$REPOSITORY/issues/comments/$earlier" --field "body=@$body"
	else
		gh api --silent --method POST "repos/$REPOSITORY/issues/$NUMBER/comments" --field "body=@$body"
	fi
}

if ! post; then
	if [[ ${FROM:-$REPOSITORY} == "$REPOSITORY" ]]; then exit 1; fi
	echo "::notice title=karpenter plan::No comment: the token of a pull request from a fork may not write. The result is the job's summary."
fi
