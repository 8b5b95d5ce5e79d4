#!/usr/bin/env bash
# All reference solutions win all points, all blanks compile and win none, and each wrong solution is
# caught with the words that its first line expects.
#
#   tests/exercises_test.sh BUILD
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
build=$1
said=$(mktemp)
trap 'rm -f -- "$said"' EXIT
failures=0

# check WHAT CODE TEXT PROGRAM [ARGS...]
check() {
  local what=$1 code=$2 text=$3 status=0
  shift 3
  "$@" >"$said" 2>&1 || status=$?
  if [[ $status != "$code" ]] || ! grep -qF -- "$text" "$said"; then
    printf '%s: exit code %s, not %s, or no "%s":\n' "$what" "$status" "$code" "$text" >&2
    sed 's/^/  /' "$said" >&2
    failures=$((failures + 1))
  fi
}

count=0
for checker in exercises/*/check.cpp; do
  name=$(basename "$(dirname "$checker")")
  count=$((count + 1))
  check "the solution of $name" 0 "points" "$build/check_${name}_solution"
  if grep -q WRONG "$said"; then failures=$((failures + 1)); fi
  # What a student is handed out says what is missing; a kernel with a planted bug says where it is.
  case $name in
    debug_*) check "$name as handed out" 1 "$name.cu:" "$build/check_$name" ;;
    *)
      check "$name as handed out" 1 "lank" "$build/check_$name"
      grep -q "^0 of" "$said" || { echo "$name: a blank wins points" >&2; failures=$((failures + 1)); }
      ;;
  esac
  [[ -s exercises/$name/README.md ]] || { echo "$name has no README.md" >&2; failures=$((failures + 1)); }
  check "$name for an autograder" 0 '"max_score"' "$build/check_${name}_solution" --json
done
((count >= 12)) || { echo "there are $count exercises" >&2; exit 1; }

for wrong in exercises/solutions/wrong/*; do
  stem=$(basename "${wrong%.*}")
  expected=$(sed -n '1s/^expects: //p' "$wrong")
  [[ -n $expected ]] || { echo "$wrong expects nothing" >&2; failures=$((failures + 1)); }
  check "$wrong" 1 "$expected" "$build/check_$stem"
done
check "a wrong flag" 2 "usage" "$build/check_add" --nothing
((failures == 0)) || exit 1
echo "$count exercises"
