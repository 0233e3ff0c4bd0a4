#!/usr/bin/env bash
# Runs karpenter plan; writes karpenter-plan.md and karpenter-plan/, shows the former
# as the job's summary, and leaves the exit code to a later step, so that the comment
# is posted whatever it is.
set -uo pipefail
: "${BASE:?}" "${HEAD:?}" "${RECORDING:?}" "${GITHUB_OUTPUT:?}" "${GITHUB_STEP_SUMMARY:?}"

further=()
while IFS= read -r line; do
	if [[ -n $line ]]; then further+=("$line"); fi
done <<< "${ARGUMENTS:-}"

karpenter plan "$BASE" "$HEAD" --recording "$RECORDING" --out karpenter-plan --output markdown "${further[@]}" > karpenter-plan.md
code=$?
if [[ ! -s karpenter-plan.md ]]; then
	echo "\`karpenter plan\` ended with code $code and no result; the log has the reason." > karpenter-plan.md
fi
cat karpenter-plan.md >> "$GITHUB_STEP_SUMMARY"
echo "code=$code" >> "$GITHUB_OUTPUT"
