"""PyTorch on the cases of `npm run bench -- train`, as JSON lines of rows.

Argument: {"steps": [{"name", "layers", "batch", "macs"}], "products": [N]}. Exits with 3 where there is
no PyTorch or no card that it can use.
"""

import json
import statistics
import sys

try:
    import torch
except ImportError:
    sys.exit(3)
if not torch.cuda.is_available():
    sys.exit(3)

RUNS = 20


def milliseconds(action):
    """Median over runs on the device's own clock, after warming up."""
    for _ in range(5):
        action()
    times = []
    for _ in range(RUNS):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        action()
        end.record()
        torch.cuda.synchronize()
        times.append(begin.elapsed_time(end))
    return statistics.median(times)


def report(case, metric, value, unit):
    print(json.dumps({"case": case, "metric": metric, "value": value, "unit": unit}), flush=True)


def product(n, kind):
    if kind == "int8":
        left, right = (torch.randint(-127, 128, (n, n), dtype=torch.int8, device="cuda") for _ in range(2))
        # The library wants its right operand column-major.
        return lambda: torch._int_mm(left, right.t())
    dtype = torch.float32 if kind == "fp32" else torch.bfloat16
    left, right = (torch.randn(n, n, dtype=dtype, device="cuda") for _ in range(2))
    return lambda: left @ right


def training_step(layers, batch, dtype):
    modules = []
    for inner, width in zip(layers, layers[1:]):
        modules += [torch.nn.Linear(inner, width, bias=False), torch.nn.ReLU()]
    model = torch.nn.Sequential(*modules[:-1]).to("cuda", dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
    rows = torch.randn(batch, layers[0], dtype=dtype, device="cuda")
    wanted = torch.randn(batch, layers[-1], dtype=dtype, device="cuda")

    def step():
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.mse_loss(model(rows), wanted).backward()
        optimizer.step()

    return step


def main():
    cases = json.loads(sys.argv[1])
    torch.backends.cuda.matmul.allow_tf32 = False
    for n in cases["products"]:
        for kind in ("int8", "fp32", "bf16"):
            ms = milliseconds(product(n, kind))
            report(f"product.{kind}.{n}/torch", "tops", 2 * n**3 / ms / 1e9, "TOPS")
    for case in cases["steps"]:
        for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
            ms = milliseconds(training_step(case["layers"], case["batch"], dtype))
            label = f"{case['name']}/torch-{name}"
            report(label, "ms", ms, "ms")
            report(label, "gmacs", case["macs"] / ms / 1e6, "GMAC/s")


main()
