#!/usr/bin/env bash
# The step against the reference, and the tests, on a machine that has torch 2.11 (any build, its Python) but neither Node nor Rust.
#
#   bench/gpu.sh pack FILE.tar.gz --reference DIR --reference-script FILE            here, after `npm install`
#   ./gpu.sh run [--device cuda] [--steps 5] [--cases "small-128 ..."] [--trace]     there, in the folder that was unpacked
#   ./gpu.sh test [--device cuda]                                                    there
#
# pack builds crates/udi/examples/bench_step and the tests of torch-ext and udi, writes the plans (views with real geometry,
# decided by ts/benchmark) and takes the golden cases, a checkout of the public reference and a script that times its steps.
# run times both in turn, case by case, prints one line of JSON for each run and then a table of ratios; with --trace it leaves
# trace-CASE.json, a record of two more of our steps. test runs the tests on the device, those that need one too, and ends with a
# line of totals. PYTHON names the Python that has torch (default: python3).
set -euo pipefail

# A case: its name; the reference's --amp, or - where the reference's script cannot run it; keys of the configuration.
CASES=(
  "small-128 fp16 training.batchSize=128"
  "small-64 fp16 training.batchSize=64"
  "base-64 - training.batchSize=64 model.arch=vit_base"
  "base-128-saving - training.batchSize=128 model.arch=vit_base model.checkpointBlocks=true optimizer.accumulate=2"
  "small-4 none training.batchSize=4"
  "quick-2 none training.batchSize=2 crops.localCrops=2 model.head.prototypes=1024"
)

fail() { echo "gpu.sh: $1" >&2; exit 2; }

value_of() { [ $# -ge 2 ] || fail "$1: expected a value"; echo "$2"; }

pack() {
  local archive=${1:-} reference="" script=""
  [ -n "$archive" ] || fail "pack: expected the archive to write"
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      --reference) reference=$(value_of "$@") ;;
      --reference-script) script=$(value_of "$@") ;;
      *) fail "pack: unknown option $1" ;;
    esac
    shift 2
  done
  [ -f "$reference/main_udi.py" ] || fail "--reference: expected a checkout of the public reference, received '$reference'"
  [ -f "$script" ] || fail "--reference-script: expected a script that times its steps, received '$script'"
  local root folder
  root=$(cd "$(dirname "$0")/.." && pwd)
  folder=$(mktemp -d)
  # shellcheck disable=SC2064 # the folder of now
  trap "rm -rf '$folder'" EXIT
  mkdir -p "$folder/udi-bench/plans" "$folder/udi-bench/reference" "$folder/udi-bench/tests"
  (cd "$root" && cargo build --release -p udi --example bench_step)
  local target=${CARGO_TARGET_DIR:-$root/target}
  strip -o "$folder/udi-bench/bench_step" "$target/release/examples/bench_step"
  local name file
  test_binaries "$root" | while read -r name file; do strip -o "$folder/udi-bench/tests/$name" "$file"; done
  cp -r "$root/test/golden/data" "$folder/udi-bench/golden"
  local line amp keys
  for line in "${CASES[@]}"; do
    read -r name amp keys <<<"$line"
    # shellcheck disable=SC2086 # one word a key
    node "$root/bench/write-plan.mjs" "$folder/udi-bench/plans/$name.json" $keys
  done
  cp "$reference"/*.py "$folder/udi-bench/reference/"
  cp "$script" "$folder/udi-bench/reference_step.py"
  cp "$root/bench/gpu.sh" "$root/bench/compare.py" "$folder/udi-bench/"
  tar -czf "$archive" -C "$folder" udi-bench
  echo "$archive: $(du -h "$archive" | cut -f1); there: tar -xzf, cd udi-bench, ./gpu.sh run"
}

# Builds the tests of the crates that compute; prints the name and the file of each binary.
test_binaries() {
  (cd "$1" && cargo test --release -p torch-ext -p udi --lib --tests --no-run --message-format json) | node -e '
    const lines = require("fs").readFileSync(0, "utf8").split("\n");
    const built = lines.filter(Boolean).map((line) => JSON.parse(line));
    for (const { target, profile, executable } of built)
      if (executable && profile.test) console.log(target.name, executable);'
}

# Sets `torch`, the folder of libtorch, and `preload`, what a program needs beside it for this device.
find_torch() {
  PYTHON=${PYTHON:-python3}
  torch=$("$PYTHON" -c 'import os, torch; print(os.path.dirname(torch.__file__))') || fail "$PYTHON has no torch"
  local version
  version=$("$PYTHON" -c 'import torch; print(torch.__version__)')
  [[ $version == 2.11.* ]] || fail "expected torch 2.11, found $version"
  if [ "$1" = cpu ]; then preload=""; else preload=$torch/lib/libtorch_cuda.so; fi
  "$PYTHON" -c 'import platform, sys, torch
gpu = torch.cuda.get_device_name() if sys.argv[1] != "cpu" else "no GPU asked for"
print(f"torch {torch.__version__}, {gpu}, {platform.processor() or platform.machine()}, {torch.get_num_threads()} threads", file=sys.stderr)' "$1"
}

# Runs a program of ours.
with_torch() {
  env LD_LIBRARY_PATH="$torch/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" LD_PRELOAD="$preload" "$@"
}

# Prints a number of a plan: `plan FILE KEY...`.
plan() {
  "$PYTHON" -c 'import functools, json, sys; print(functools.reduce(lambda part, key: part[key], sys.argv[2:], json.load(open(sys.argv[1]))))' "$@"
}

run() {
  local device=cuda steps=5 cases="small-128 small-64 base-64 base-128-saving" precision="" traces=""
  while [ $# -gt 0 ]; do
    case $1 in
      --trace)
        traces=yes
        shift
        continue
        ;;
      --device) device=$(value_of "$@") ;;
      --steps) steps=$(value_of "$@") ;;
      --cases) cases=$(value_of "$@") ;;
      --precision) precision=$(value_of "$@") ;;
      *) fail "run: unknown option $1" ;;
    esac
    shift 2
  done
  if [ -z "$precision" ]; then [ "$device" = cpu ] && precision=fp32 || precision=bf16; fi
  cd "$(dirname "$0")"
  local torch preload
  find_torch "$device"
  rm -f results.jsonl
  local case line name amp keys
  for case in $cases; do
    for line in "${CASES[@]}"; do
      read -r name amp keys <<<"$line"
      if [ "$name" = "$case" ]; then one_case; fi
    done
  done
  [ -f results.jsonl ] || fail "--cases: none of '$cases' is known"
  "$PYTHON" compare.py results.jsonl
}

time_reference() {
  "$PYTHON" reference_step.py --ref reference --device "$device" --amp "$amp" --steps "$steps" \
    --batch "$(plan "$file" shape images)" --locals "$(plan "$file" shape localCrops)" \
    --out-dim "$(plan "$file" options model head prototypes)" | tail -n 1
}

# Both in turn; where one fails, for want of memory say, the other still counts.
one_case() {
  local file=plans/$name.json reference=null ours trace=()
  if [ -n "$traces" ]; then trace=(--trace "trace-$name.json"); fi
  if [ "$amp" != - ]; then
    if [ "$device" = cpu ]; then amp=none; fi
    echo "# $name: reference, amp $amp" >&2
    reference=$(time_reference) || reference=null
  fi
  echo "# $name: udi-native, $precision" >&2
  ours=$(with_torch ./bench_step "$file" --device "$device" --precision "$precision" --warm-up 2 --steps "$steps" \
    "${trace[@]}") || ours=null
  echo "{\"case\": \"$name\", \"reference\": ${reference:-null}, \"ours\": ${ours:-null}}" | tee -a results.jsonl
}

# One test after the other: they share the device.
run_tests() {
  local device=cuda
  while [ $# -gt 0 ]; do
    case $1 in
      --device) device=$(value_of "$@") ;;
      *) fail "test: unknown option $1" ;;
    esac
    shift 2
  done
  cd "$(dirname "$0")"
  local torch preload ignored=()
  find_torch "$device"
  if [ "$device" != cpu ]; then ignored=(--include-ignored); fi
  local file broken good bad left passed=0 failed=0 skipped=0
  for file in tests/*; do
    echo "== $file"
    broken=0
    UDI_TEST_DEVICE=$device UDI_GOLDEN_DIR=$PWD/golden with_torch "$file" --test-threads 1 "${ignored[@]}" 2>&1 |
      tee test.log || broken=1
    # Of one that crashes there is no such line, or no failure in it.
    read -r good bad left < <(sed -nE 's/^test result: .* ([0-9]+) passed; ([0-9]+) failed; ([0-9]+) ignored;.*/\1 \2 \3/p' test.log) || true
    if [ "$broken" = 1 ] && [ "${bad:-0}" = 0 ]; then bad=1; fi
    passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-0})) skipped=$((skipped + ${left:-0}))
  done
  rm -f test.log
  echo "$passed passed, $failed failed, $skipped ignored on $device"
  [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

command=${1:-}
shift || true
case $command in
  pack) pack "$@" ;;
  run) run "$@" ;;
  test) run_tests "$@" ;;
  *) fail "expected pack, run or test" ;;
esac
