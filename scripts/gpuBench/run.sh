#!/bin/sh
# Everything that wants a graphics card, in one command: adapter and kernels, the conformance suite on
# the card, a lease of a devnet, training and products next to PyTorch (if python3 has it), proofs. Writes to the folder given.
#   sh scripts/gpuBench/run.sh out
set -eu
cd "$(dirname "$0")/../.."
out=${1:-gpu-bench}
mkdir -p "$out"
node=${NODE:-node_modules/.bin/node}
"$node" cli/main.ts gpu --json > "$out/gpu.json"
cat "$out/gpu.json"
WAGGLE_GPU=card npx vitest run test/compute/webgpu.test.ts \
  test/compute/webgpuMatrices.test.ts test/compute/gpujs.test.ts test/proof/gpuCode.test.ts \
  test/proof/gpuVectors.test.ts test/proof/gpuKernels.test.ts test/e2e/gpu.test.ts 2>&1 |
  tee "$out/conformance.txt"
"$node" bench/main.ts train --json > "$out/train.json"
cat "$out/train.json"
WAGGLE_GPU=card WAGGLE_EPOCH=1 npx vitest run test/compute/epoch.test.ts 2>&1 | tee "$out/epoch.txt"
# The step of 8 x 1120 at batch 64 and 1,024, and all else that is proven, with the card and without.
"$node" bench/main.ts proof --json --backend webgpu > "$out/proof-webgpu.json"
cat "$out/proof-webgpu.json"
"$node" bench/main.ts proof --json > "$out/proof.json"
