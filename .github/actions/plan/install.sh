#!/usr/bin/env bash
# Downloads karpenter of a release, checks it, and puts it on the path of later steps.
set -euo pipefail
: "${VERSION:?}" "${SHA256:?}" "${RELEASES:?}" "${RUNNER_TEMP:?}" "${GITHUB_PATH:?}"

directory="$RUNNER_TEMP/karpenter-bin"
mkdir -p "$directory"
curl --fail --silent --show-error --location --output "$directory/karpenter" "$RELEASES/$VERSION/karpenter-$VERSION-linux-amd64"
echo "$SHA256  $directory/karpenter" | sha256sum --check --quiet
chmod +x "$directory/karpenter"
echo "$directory" >> "$GITHUB_PATH"
