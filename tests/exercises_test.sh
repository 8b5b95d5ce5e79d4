#!/usr/bin/env bash
# All reference solutions win all points, all blanks compile and win none, and each wrong solution is
# caught with the words that its first line expects.
#
#   tests/exercises_test.sh BUILD [NAME...]     all exercises, or these
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
build=$1
only=("${@:2}")
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

# asked NAME
asked() { ((${#only[@]} == 0)) || [[ " ${only[*]} " == *" $1 "* ]]; }

count=0
for checker in exercises/*/check.cpp; do
  name=$(basename "$(dirname "$checker")")
  asked "$name" || continue
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
((count >= (${#only[@]} ? ${#only[@]} : 26))) || { echo "there are $count exercises" >&2; exit 1; }

for wrong in exercises/solutions/wrong/*; do
  stem=$(basename "${wrong%.*}")
  asked "${stem%%-*}" || continue
  expected=$(sed -n '1s/^expects: //p' "$wrong")
  [[ -n $expected ]] || { echo "$wrong expects nothing" >&2; failures=$((failures + 1)); }
  check "$wrong" 1 "$expected" "$build/check_$stem"
done
if ((${#only[@]})); then
  ((failures == 0)) || exit 1
  echo "$count exercises of those asked for"
  exit 0
fi
check "a wrong flag" 2 "usage" "$build/check_add" --nothing
# Movies of kernels, on stderr beside the sheet, and what there is none of.
folder=$(mktemp -d)
trap 'rm -rf -- "$said" "$folder"' EXIT
check "a movie" 1 "2 findings" "$build/check_debug_sum" --movie "$folder/movie.html"
grep -q '"running_sums_kernel"' "$folder/movie.html" || { echo "no kernel in the movie" >&2; failures=$((failures + 1)); }
check "a movie beside JSON" 0 "reduce_kernel, 3 blocks of 5" "$build/check_reduce_solution" --json --movie "$folder/movie.html"
check "a movie without a kernel" 1 "no kernel ran on the simulator" "$build/check_sgd_solution" --movie "$folder/none.html"
check "a kernel that is not there" 1 "no kernel with 'multiply' in its name ran, but reduce_kernel" \
  "$build/check_reduce_solution" --movie "$folder/none.html" --kernel multiply
check "a movie in no folder" 2 "there is no folder" "$build/check_reduce_solution" --movie "$folder/no/movie.html"
check "a kernel without a movie" 2 "usage" "$build/check_reduce_solution" --kernel reduce
[[ ! -e $folder/none.html ]] || { echo "a page without a movie" >&2; failures=$((failures + 1)); }
((failures == 0)) || exit 1
echo "$count exercises"
