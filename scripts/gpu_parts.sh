# The parts of scripts/gpu_check, which sources this: each runs programs from $programs on $device,
# before $deadline (in bash's SECONDS), and leaves a line for each in $out/steps.
# shellcheck shell=bash disable=SC2154

quick() { [[ $device != cuda* ]]; }

# Seconds; on a GPU all of them together are under 9 minutes.
limit_of() {
  local limit
  case $1 in
    tests) limit=130 ;;
    sanitizer) limit=110 ;;
    conv) limit=80 ;;
    train) limit=110 ;;
    kernels) limit=45 ;;
    run) limit=55 ;;
  esac
  if quick; then limit=$((3 * limit)); fi
  echo "$limit"
}

# note PART NAME CODE SECONDS: the line of a step; skipped ones have a reason in place of a code.
note() { printf '%s\t%s\t%s\t%s\n' "$@" >>"$out/steps"; }

# step PART NAME COMMAND...: runs a command, its output in a log; 124 if time ran out.
step() {
  local part=$1 name=$2 left=$((deadline - SECONDS)) code=0 start=${EPOCHREALTIME/./}
  shift 2
  if ((left > 0)); then
    timeout --kill-after=5 "$left" "$@" >"$out/logs/$part.$name.log" 2>&1 </dev/null || code=$?
  else
    code=124
  fi
  note "$part" "$name" "$code" "$(((${EPOCHREALTIME/./} - start) / 1000))e-3"
  ((code == 0)) || say "  $name failed with exit code $code: $out/logs/$part.$name.log"
}

# together COUNT PART NAME COMMAND...: a step beside others, at most COUNT at once.
together() {
  local count=$1
  shift
  while (($(jobs -rp | wc -l) >= count)); do wait -n || true; done
  step "$@" &
}

# has PART PROGRAM: whether there is such a program; else the part is skipped.
has() {
  [[ -x $programs/$2 ]] && return
  note "$1" "$2" "there is no $2 among the programs" 0
  return 1
}

# Sets python to the flags that make a benchmark compare with PyTorch, where there is one for $device.
find_torch() {
  local test='import torch'
  quick || test='import torch; assert torch.cuda.is_available()'
  if python3 -c "$test" 2>/dev/null; then python=(--python python3); else python=(); fi
}

part_tests() {
  local program
  for program in "$programs"/*_test; do
    together 4 tests "${program##*/}" "$program" --device "$device"
  done
  wait
}

# The tools slow every launch down, so only tests of kernels run under them, not those of training.
part_sanitizer() {
  local tool program
  if quick || ! command -v compute-sanitizer >/dev/null; then
    note sanitizer compute-sanitizer "$(quick && echo "it needs a GPU" || echo "there is no compute-sanitizer")" 0
    return
  fi
  for program in kernels_test tensor_core_test conv_mma_test conv_test norm_values_test \
    attention_test; do
    for tool in memcheck racecheck; do
      together 4 sanitizer "$tool.$program" compute-sanitizer --tool "$tool" --error-exitcode 99 \
        --target-processes all "$programs/$program" --device "$device"
    done
  done
  wait
}

part_conv() {
  local dtype python dtypes=(bf16 tf32 f32) size=(--batch 256)
  has conv conv_bench || return 0
  find_torch
  quick && dtypes=(bf16 f32) size=(--batch 2 --image-size 32 --pairs 1 --repeats 1)
  for dtype in "${dtypes[@]}"; do
    step conv "$dtype" "$programs/conv_bench" simplenet resnet18 --device "$device" "${size[@]}" \
      --dtype "$dtype" "${python[@]}" --json "$out/conv_$dtype.json" --markdown "$out/conv_$dtype.md"
  done
}

part_kernels() {
  local repeats=15
  has kernels kernel_bench || return 0
  quick && repeats=1
  step kernels all "$programs/kernel_bench" --device "$device" --repeats "$repeats"
}

# Steps of three networks in each precision beside PyTorch's, and whole epochs of 100,000 images.
part_train() {
  local precision model python precisions=(bf16 tf32 f32) epoch=(--batch-size 256 --epoch 100000)
  local size=(--batch-size 256 --pairs 3 --steps 10)
  has train train_bench || return 0
  find_torch
  if quick; then
    precisions=(bf16 f32) size=(--batch-size 4 --image-size 64 --pairs 1 --steps 1)
    epoch=(--batch-size 4 --image-size 64 --epoch 64)
  fi
  step train epoch.bf16 "$programs/train_bench" --device "$device" "${epoch[@]}" --precision bf16
  for model in simplenet resnet18 simplevit; do
    for precision in "${precisions[@]}"; do
      step train "$model.$precision" "$programs/train_bench" --device "$device" --model "$model" \
        --precision "$precision" "${size[@]}" "${python[@]}" \
        --json "$out/train_${model}_$precision.json"
    done
  done
  # Compiling takes PyTorch half a minute, so it does that once.
  quick || ((${#python[@]} == 0)) ||
    step train simplenet.bf16.modes "$programs/train_bench" --device "$device" --precision bf16 \
      "${size[@]}" "${python[@]}" --modes graph,compiled
}

# A network is trained, explained and attacked; short runs leave the same bytes, with a CUDA graph
# and without.
part_run() {
  local place=$out/run size=(--epochs 6 --warmup 1) short=(--epochs 1 --limit 100) name train
  quick && size=(--epochs 1 --limit 40) short=(--epochs 1 --limit 8)
  rm -rf -- "$place"
  train=("$programs/train_miniplaces" tiny --model simplenet_bn --image-size 64 --device "$device")
  step run training "${train[@]}" "${size[@]}" --out "$place"
  step run saliency "$programs/saliency_maps" "$place/best.safetensors" tiny --device "$device" \
    --out "$place/saliency.png"
  step run attack "$programs/pgd_attack" "$place/best.safetensors" tiny --device "$device" \
    --images 200 --out "$place/attack.png"
  for name in once again; do
    step run "$name" "${train[@]}" "${short[@]}" --out "$place/$name"
  done
  step run no_graph "${train[@]}" "${short[@]}" --no-graph --out "$place/no_graph"
  step run same_bytes cmp "$place/once/last.safetensors" "$place/again/last.safetensors"
  step run same_bytes_without_graph cmp "$place/once/last.safetensors" \
    "$place/no_graph/last.safetensors"
}
