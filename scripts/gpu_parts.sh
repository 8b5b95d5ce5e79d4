# The parts of scripts/gpu_check, which sources this: each runs programs from $programs on $device,
# before $deadline (in bash's SECONDS), and leaves a line for each in $out/steps.
# shellcheck shell=bash disable=SC2154

quick() { [[ $device != cuda* ]]; }

# Seconds; on a GPU all of them together are under 10 minutes.
limit_of() {
  local limit
  case $1 in
    tests) limit=150 ;;
    epoch) limit=20 ;;
    profile) limit=80 ;;
    train) limit=60 ;;
    conv) limit=70 ;;
    run) limit=20 ;;
    sanitizer) limit=70 ;;
    kernels) limit=40 ;;
    precisions) limit=80 ;;
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

# Those that everything else rests on come first; what fails runs again, each launch waited for, so
# that an error is seen where it arose.
part_tests() {
  local program name first='tensor_core_test conv_mma_test conv_test kernels_test'
  for program in $first; do
    [[ ! -x $programs/$program ]] ||
      together 8 tests "$program" "$programs/$program" --device "$device"
  done
  for program in "$programs"/*_test; do
    name=${program##*/}
    [[ " $first " == *" $name "* ]] || together 8 tests "$name" "$program" --device "$device"
  done
  wait
  ! quick || return 0
  while read -r name; do
    together 4 tests "$name.blocking" env CUDA_LAUNCH_BLOCKING=1 "$programs/$name" --device "$device"
  done < <(awk -F '\t' '$1 == "tests" && $3 ~ /^[0-9]+$/ && $3 { print $2 }' "$out/steps")
  wait
}

# The tools slow every launch down, so only tests of kernels run under them, not those of training.
# Sandboxed machines refuse the device to them, which says nothing about the kernels.
part_sanitizer() {
  local tool program
  if quick || ! command -v compute-sanitizer >/dev/null; then
    note sanitizer compute-sanitizer "$(quick && echo "it needs a GPU" || echo "there is no compute-sanitizer")" 0
    return
  fi
  if ! compute-sanitizer --target-processes all "$programs/tensor_core_test" --device "$device" \
    >"$out/logs/sanitizer.trial.log" 2>&1 && grep -qi 'not supported' "$out/logs/sanitizer.trial.log"; then
    note sanitizer compute-sanitizer "this machine refuses it" 0
    return
  fi
  for program in kernels_test tensor_core_test conv_mma_test norm_values_test op_values_test \
    shape_values_test loss_values_test fold_values_test attention_test packs_test; do
    for tool in memcheck racecheck; do
      together 8 sanitizer "$tool.$program" compute-sanitizer --tool "$tool" --error-exitcode 99 \
        --target-processes all "$programs/$program" --device "$device"
    done
  done
  wait
}

# time_conv PART DTYPE
time_conv() {
  local python size=(--batch 256 --pairs 3)
  has "$1" conv_bench || return 0
  find_torch
  quick && size=(--batch 2 --image-size 32 --pairs 1 --repeats 1)
  step "$1" "conv.$2" "$programs/conv_bench" simplenet resnet18 --device "$device" "${size[@]}" \
    --dtype "$2" "${python[@]}" --json "$out/conv_$2.json" --markdown "$out/conv_$2.md"
}

part_conv() { time_conv conv bf16; }

part_kernels() {
  local repeats=15
  has kernels kernel_bench || return 0
  quick && repeats=1
  step kernels all "$programs/kernel_bench" --device "$device" --repeats "$repeats"
}

# An epoch of 100,000 images.
part_epoch() {
  local size=(--batch-size 256 --epoch 100000)
  has epoch train_bench || return 0
  quick && size=(--batch-size 4 --image-size 64 --epoch 64)
  step epoch bf16 "$programs/train_bench" --device "$device" "${size[@]}" --precision bf16
}

# Counters of each kernel of a step, which are only to be had without a graph.
part_profile() {
  local model
  if quick || ! command -v ncu >/dev/null; then
    note profile ncu "$(quick && echo "it needs a GPU" || echo "there is no ncu")" 0
    return
  fi
  has profile train_bench || return 0
  for model in simplenet resnet18 simplevit; do
    step profile "$model" scripts/profile_step "$programs/train_bench" "$model" "$device" \
      "$out/profile_$model"
    if grep -qs 'Failed to initialize the profiler\|ERR_NVGPUCTRPERM' "$out/logs/profile.$model.log"; then
      sed -i '$d' "$out/steps"
      note profile ncu "this machine refuses it" 0
      return
    fi
  done
}

# time_steps PART PRECISION [FLAG...]: steps of three networks beside PyTorch's.
time_steps() {
  local part=$1 precision=$2 model python size=(--batch-size 256 --pairs 3 --steps 10)
  shift 2
  has "$part" train_bench || return 0
  find_torch
  ((${#python[@]})) || set --
  quick && size=(--batch-size 4 --image-size 64 --pairs 1 --steps 1)
  for model in simplenet resnet18 simplevit; do
    step "$part" "$model.$precision" "$programs/train_bench" --device "$device" --model "$model" \
      --precision "$precision" "${size[@]}" "${python[@]}" "$@" \
      --json "$out/train_${model}_$precision.json"
  done
}

part_train() {
  if quick; then time_steps train bf16; else time_steps train bf16 --modes graph; fi
}

part_precisions() {
  local precision precisions=(tf32 f32)
  quick && precisions=(f32)
  for precision in "${precisions[@]}"; do time_conv precisions "$precision"; done
  for precision in "${precisions[@]}"; do time_steps precisions "$precision"; done
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
