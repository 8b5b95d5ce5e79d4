#!/usr/bin/env bash
# scripts/download_miniplaces with a tiny archive made here: whole, cut short, damaged, run again;
# scripts/gpu_check with wrong flags and without a GPU, its report, and a bundle's search for CUDA; wrong
# flags of others, and their search for nvcc.
set -euo pipefail
unset CDPATH
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
folder=$(mktemp -d)
trap 'rm -rf -- "$folder"' EXIT
trap 'echo "FAILED: line $LINENO"' ERR

# check_command WHAT CODE TEXT COMMAND...: the command must end with CODE and say TEXT.
check_command() {
  local what=$1 code=$2 text=$3 status=0
  shift 3
  "$@" >"$folder/said" 2>&1 || status=$?
  if [[ $status != "$code" ]] || ! grep -qF -- "$text" "$folder/said"; then
    echo "FAILED: $what: exit code $status, not $code, or '$text' is not in:"
    cat "$folder/said"
    exit 1
  fi
  echo "passed: $what"
}

check() { check_command "$@" scripts/download_miniplaces; }

# The layout of the official archive: photos beside other things, and the lists elsewhere.
make_archive() {
  local data=$folder/data n
  mkdir -p "$data/images/train/a/abbey" "$data/images/train/b/bakery/shop" "$data/images/val" \
    "$data/objects" "$folder/lists"
  for n in 1 2 3; do
    head -c 3000 /dev/urandom >"$data/images/train/a/abbey/0000000$n.jpg"
    echo "train/a/abbey/0000000$n.jpg 0" >>"$folder/lists/train.txt"
  done
  head -c 3000 /dev/urandom >"$data/images/train/b/bakery/shop/00000001.jpg"
  echo "train/b/bakery/shop/00000001.jpg 1" >>"$folder/lists/train.txt"
  head -c 3000 /dev/urandom >"$data/images/val/00000001.jpg"
  echo "val/00000001.jpg 1" >"$folder/lists/val.txt"
  printf '/a/abbey 0\n/b/bakery/shop 1\n' >"$folder/lists/categories.txt"
  touch "$data/objects/unused.xml"
  tar -czf "$folder/data.tar.gz" -C "$data" images objects
}

make_archive
export TWEED_DATASETS=$folder/datasets TWEED_MINIPLACES_LISTS=file://$folder/lists
part=$TWEED_DATASETS/miniplaces.tar.gz.part root=$TWEED_DATASETS/miniplaces

export TWEED_MINIPLACES_URL=file://$folder/none.tar.gz
check "no such archive" 1 "The download stopped"
export TWEED_MINIPLACES_URL=http://127.0.0.1:9/data.tar.gz
check "no network" 1 "check the network"

export TWEED_MINIPLACES_URL=file://$folder/data.tar.gz
mkdir -p "$TWEED_DATASETS"
head -c 5000 "$folder/data.tar.gz" >"$part"
check "a download goes on" 0 "Going on with the download"
[[ -f $root/images/train/b/bakery/shop/00000001.jpg && -f $root/categories.txt ]]
[[ ! -e $root/objects && ! -e $part && ! -e $TWEED_DATASETS/miniplaces.unpacking ]]
check "run again" 0 "MiniPlaces is in $root: 4 photos for training, 1 for validation"
rm "$root/images/val/00000001.jpg"
check "a photo has gone" 1 "images/val holds 0 photos, not 1"

rm -r "$root"
cp "$folder/data.tar.gz" "$part"
check "the download was whole, but not yet unpacked" 0 "4 photos for training"

rm -r "$root"
head -c 5000 /dev/zero >"$part"
check "the part from before is damaged" 1 "arrived damaged and has been removed"
[[ ! -e $part ]]
check "after that a new download works" 0 "4 photos for training"

rm -r "$root"
head -c 9000 "$folder/data.tar.gz" >"$folder/short.tar.gz"
TWEED_MINIPLACES_URL=file://$folder/short.tar.gz check "a short archive" 1 "arrived damaged"
tar -czf "$folder/other.tar.gz" -C "$folder" lists
TWEED_MINIPLACES_URL=file://$folder/other.tar.gz check "another archive" 1 "no folder named images"
rm "$TWEED_DATASETS/miniplaces.tar.gz"
TWEED_MINIPLACES_LISTS=file://$folder/none check "no lists" 1 "train.txt cannot be downloaded"
check "the lists are there again" 0 "4 photos for training"

refuse() { check_command "gpu_check ${*:2}" 2 "$1" scripts/gpu_check "${@:2}"; }
refuse "knows no '--fast'" --fast
refuse "--only wants a value" --only
refuse "no part 'speed'" --only tests,speed
refuse "no device 'tpu'" --device tpu
refuse "exclude each other" --build build --bundle bundle
refuse "no kernels_test in $folder" --device cpu --build "$folder"
refuse "no $folder/none.tar.xz" --device cpu --bundle "$folder/none.tar.xz"
if ! command -v nvidia-smi >/dev/null; then refuse "no NVIDIA driver here"; fi

check_command "emulate wants a program" 2 "usage: scripts/emulate PROGRAM" scripts/emulate
check_command "emulate wants a program's name" 2 "usage: scripts/emulate" scripts/emulate ./kernels_test
check_command "setup knows one flag" 2 "usage: scripts/setup [--cuda | --docs]" scripts/setup --gpu
check_command "docs takes one folder" 2 "usage: scripts/docs [FOLDER]" scripts/docs --open
check_command "docs empties no other folder" 2 "something else in it than a site" scripts/docs tests
check_command "test takes one filter" 2 "usage: scripts/test [--emulated]" scripts/test --emulated a b

# find_nvcc takes the first nvcc that is new enough; these say which they are.
mkdir "$folder/old" "$folder/new"
printf '#!/bin/sh\necho "Cuda compilation tools, release 12.9, V12.9.1"\n' >"$folder/old/nvcc"
printf '#!/bin/sh\necho "Cuda compilation tools, release 13.1, V13.1.1"\n' >"$folder/new/nvcc"
chmod +x "$folder"/*/nvcc
found=$(CUDACXX=$folder/old/nvcc PATH=$folder/new:$PATH bash -c 'source scripts/lib.sh; find_nvcc')
[[ $found == "$folder/new/nvcc" || $found == "$PWD/build/cuda/"* ]]

touch "$folder/libplace.so.1"
LD_LIBRARY_PATH=/nowhere:$folder check_command "a library is found" 0 "$folder" \
  scripts/cuda_folders libplace.so.1 libnowhere.so.1
[[ $(wc -l <"$folder/said") == 1 ]]

# A run's folder of a few lines, packed.
mkdir -p "$folder/runs/mine/tensorboard" "$folder/texts"
for file in config.json metrics.jsonl report.html tensorboard/events last.state.safetensors; do
  echo "$file" >"$folder/runs/mine/$file"
done
echo words >"$folder/texts/write up.md"
check_command "zip_submission packs a run and what goes with it" 0 "mine/tensorboard/events" \
  scripts/zip_submission "$folder/runs/mine" "$folder/sub/mine.zip" "$folder/texts/write up.md"
cmake -E tar tf "$folder/sub/mine.zip" >"$folder/packed"
for name in mine/report.html mine/metrics.jsonl 'write up.md'; do grep -qFx -- "$name" "$folder/packed"; done
if grep -q state "$folder/packed"; then exit 1; fi
check_command "zip_submission of no run" 2 "is no run" scripts/zip_submission "$folder" "$folder/x.zip"
check_command "zip_submission without a file" 2 "There is no nothing.md" \
  scripts/zip_submission "$folder/runs/mine" "$folder/x.zip" nothing.md
ln -s /dev/full "$folder/full.zip.partial"
check_command "zip_submission on a full disk" 1 "full.zip cannot be written: No space left on device" \
  scripts/zip_submission "$folder/runs/mine" "$folder/full.zip"
check_command "zip_submission without weights" 2 "has no best.safetensors" \
  scripts/zip_submission "$folder/runs/mine" "$folder/x.zip" --weights
[[ ! -e "$folder/x.zip" ]]

# The students' folder has no solution, and what its pages link to is in it.
if git rev-parse HEAD >/dev/null 2>&1; then
  check_command "a handout of two exercises" 0 "2 exercise(s)" scripts/make_handout "$folder/handout" conv2d scan
  [[ -f $folder/handout/docs/convolution.md && -z $(find "$folder/handout" -path '*solution*') ]]
  linked=$(grep -roE '\]\([A-Za-z0-9_./-]+[)#]' --include='*.md' "$folder/handout" | sed 's/](\(.*\)./\1/')
  [[ $(wc -l <<<"$linked") -ge 3 ]]
  while IFS=: read -r page target; do
    [[ -f $(dirname "$page")/$target ]] || { echo "FAILED: $page links to $target" && exit 1; }
  done <<<"$linked"
  check_command "a handout where one is" 2 "is there already" scripts/make_handout "$folder/handout" scan
  check_command "a handout of nothing" 2 "no exercise 'reading'" scripts/make_handout "$folder/none" reading
fi

# A bare Debian has no Python, and the report needs it.
command -v python3 >/dev/null || exit 0

mkdir "$folder/site"
printf '<p id="here"><a href="#here">' >"$folder/site/index.html"
check_command "links that lead somewhere" 0 "1 links of 1 pages" scripts/check_links.py "$folder/site"
check_fault() { # HTML WORDS
  printf '%s' "$1" >"$folder/site/page.html"
  check_command "a page with $1" 1 "$2" scripts/check_links.py "$folder/site"
}
check_fault '<a href="none.html">' "page.html: none.html is not there."
check_fault '<a href="../site/index.html#there">' "index.html#there has no such anchor."
check_fault '<script src="https://example.org/x.js">' "is fetched from elsewhere."
check_fault '<a href="../../outside">' "../../outside is not there."

# Programs of a few bytes in place of the real ones: one test passes, one fails.
mkdir -p "$folder/programs"
printf '#!/bin/sh\n# libcublas.so.99\necho "All tests passed (7 assertions in 2 test cases)"\n' \
  >"$folder/programs/kernels_test"
printf '#!/bin/sh\nexit 3\n' >"$folder/programs/wrong_test"

# with_gpu CAPABILITY CUDA TEXT: what the script says to a GPU and a driver made of a few lines.
cat >"$folder/programs/nvidia-smi" <<'END'
#!/bin/sh
case $* in
  *compute_cap*) echo "$CAPABILITY" ;;
  *=*) echo "A GPU" ;;
  *) echo "| CUDA Version: $CUDA |" ;;
esac
END
chmod +x "$folder/programs/"*
touch "$folder/libcuda.so.1"
with_gpu() {
  check_command "gpu_check with $1, CUDA $2" 2 "$3" env CAPABILITY="$1" CUDA="$2" \
    LD_LIBRARY_PATH="$folder" PATH="$folder/programs:$PATH" \
    scripts/gpu_check --build "$folder/programs" --out "$folder/out"
}
with_gpu 7.5 99.0 "The A GPU is of compute capability 7.5"
with_gpu 9.0 12.8 "these programs for CUDA 99: update the driver"
with_gpu 9.0 99.1 "libcublas.so.99 is not found"

check_command "gpu_check reports a test that fails" 1 "| tests | failed |" \
  scripts/gpu_check --device cpu --build "$folder/programs" --only tests,conv --out "$folder/out"
grep -q 'wrong_test failed with exit code 3' "$folder/said"
grep -q '| conv | skipped |' "$folder/out/gpu_check.md"
grep -q '7 assertions in 2 test cases' "$folder/out/gpu_check.json"
rm "$folder/programs/wrong_test"
check_command "gpu_check reports tests that pass" 0 "| tests | passed |" \
  scripts/gpu_check --device cpu --build "$folder/programs" --only tests --out "$folder/out"
