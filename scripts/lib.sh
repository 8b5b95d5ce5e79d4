# Shared by the scripts here, which source it: messages, logged commands, builds.
# shellcheck shell=bash
unset CDPATH
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit 1

# The comment at the head of the script, for who asks for it.
case ${1:-} in
  -h | --help)
    sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "scripts/$(basename -- "$0")"
    exit 0
    ;;
esac

say() { printf '%s\n' "$*"; }

# fail CODE TEXT...: one line on stderr, and the end.
fail() {
  local code=$1
  shift
  printf '%s\n' "$*" >&2
  exit "$code"
}

# On a terminal, keeps the last line of its input in place; elsewhere swallows it.
show_progress() {
  local line columns
  if [[ ! -t 1 ]]; then
    cat >/dev/null
    return
  fi
  columns=$(stty size 2>/dev/null </dev/tty | cut -d' ' -f2) || columns=80
  ((columns > 1)) || columns=80
  while IFS= read -r line; do printf '\r\033[K%s' "${line:0:columns-1}"; done
  printf '\r\033[K'
}

# logged LOG COMMAND...: the output goes to LOG, and to the screen only if the command fails.
logged() {
  local log=$1 status=0
  shift
  # Without this the failure below would show what an earlier command left there.
  { mkdir -p "$(dirname -- "$log")" && : >"$log"; } 2>/dev/null || fail 1 "$log cannot be written."
  "$@" 2>&1 </dev/null | tee -- "$log" | show_progress || status=$?
  ((status == 0)) && return
  ((status == 130)) && exit 130
  {
    # What ninja prints before the first failure is of no interest.
    if grep -q '^FAILED:' "$log"; then sed -n '/^FAILED:/,$p' "$log" | head -n 80; else tail -n 40 "$log"; fi
    say "That failed: $1. The whole output is in $log."
  } >&2
  exit 1
}

# As many compilers as there are cores, and 1.5 GB of free memory for each.
job_count() {
  local cores available
  cores=$(nproc)
  available=$(awk '/^MemAvailable:/ {print int($2 / 1500000)}' /proc/meminfo)
  ((available >= 1)) || available=1
  echo $((cores < available ? cores : available))
}

# configure FOLDER FLAGS...: does nothing if that folder was configured with these flags before;
# ninja itself notices changed CMake files.
configure() {
  local folder=$1 wanted="$*"
  shift
  if [[ -f $folder/build.ninja && $(cat "$folder/flags.txt" 2>/dev/null) == "$wanted" ]]; then
    return
  fi
  logged "$folder/configure.log" cmake -S . -B "$folder" -G Ninja "$@"
  say "$wanted" >"$folder/flags.txt"
}

# build FOLDER TARGETS...
build() {
  local folder=$1 count start=$SECONDS
  shift
  count=$(job_count)
  if [[ ! -t 1 ]] && ! ninja -C "$folder" -n "$@" 2>/dev/null | grep -q 'no work to do'; then
    say "Building in $folder/ with $count jobs; the log is $folder/build.log"
  fi
  NINJA_STATUS='[%f/%t] ' logged "$folder/build.log" ninja -C "$folder" -j "$count" "$@"
  ((SECONDS - start < 5)) || say "Built in $((SECONDS - start)) s."
}

# Prints the nvcc that the emulator builds with, the first of CUDA 13 or newer; fails if there is none.
find_nvcc() {
  local nvcc
  for nvcc in "${CUDACXX:-}" "$PWD/build/cuda/toolkit/bin/nvcc" "$(command -v nvcc)" \
    /usr/local/cuda/bin/nvcc /opt/cuda/bin/nvcc; do
    if [[ -x $nvcc && $("$nvcc" --version 2>/dev/null) =~ release\ ([0-9]+) ]] && ((BASH_REMATCH[1] >= 13)); then
      say "$nvcc"
      return
    fi
  done
  return 1
}

# The build whose cuda machine runs on an emulated GPU: the preset `emulate`, and which nvcc it takes.
configure_emulated() {
  local nvcc
  nvcc=$(find_nvcc) || fail 2 "There is no nvcc 13 or newer here. scripts/setup --cuda gets one, with no GPU and no root."
  configure build-emulate -DCMAKE_BUILD_TYPE=Release -DTWEED_EMULATE=ON -DTWEED_NVCC="$nvcc"
}

# OpenMP's threads would otherwise spin for milliseconds while they wait, which doubles the time on busy
# cores; now for some 30 us, about as long as waking one takes. The library reads this when it is loaded:
# our programs start themselves once more with it (apps/app.cpp), others do not.
use_brief_waiting() {
  if [[ -z ${OMP_WAIT_POLICY:-}${GOMP_SPINCOUNT:-} ]]; then
    export OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=3000
    say "OMP_WAIT_POLICY=passive and GOMP_SPINCOUNT=3000 are set, so that waiting threads leave their cores to others."
  fi
}
