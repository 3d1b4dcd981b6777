#!/bin/sh
# Everything that wants a graphics card, in one command: adapter and kernels, the conformance suite on
# the card, training and products next to PyTorch (if python3 has it), proofs. Writes to the folder given.
#   sh scripts/gpuBench/run.sh out
set -eu
cd "$(dirname "$0")/../.."
out=${1:-gpu-bench}
mkdir -p "$out"
node=${NODE:-node_modules/.bin/node}
"$node" cli/main.ts gpu --json > "$out/gpu.json"
cat "$out/gpu.json"
WAGGLE_GPU=card npx vitest run test/compute/webgpu.test.ts test/compute/gpujs.test.ts 2>&1 | tee "$out/conformance.txt"
"$node" bench/main.ts train --json > "$out/train.json"
cat "$out/train.json"
"$node" bench/main.ts proof --json > "$out/proof.json"
