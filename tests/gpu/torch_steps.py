"""Training steps of the benchmark's jobs in PyTorch on a GPU: a plain loop over the steps, and the same compiled.

Forward, cross-entropy, backward and Adam on a prepared batch; SuperSpike of slope 10, detached reset, Max readout.
"""
import math, sys, time

import torch

JOBS = {  # inputs, steps, dt in ms, hidden, recurrent, outputs, probability of a spike (None: analog)
    "R": (20, 100, 1.0, 100, False, 10, 0.01),
    "M": (784, 100, 1.0, 100, False, 10, 0.002),
    "S": (700, 500, 2.0, 256, True, 20, 0.0229),
    "A": (40, 100, 2.0, 256, True, 35, None),
}


class Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad / (10.0 * x.abs() + 1.0) ** 2


def run(x, w, v, out, dt):
    b_mem, b_syn, b_out = (math.exp(-dt / tau) for tau in (10.0, 5.0, 20.0))
    drive = x @ w
    u = i = torch.zeros_like(drive[:, 0])
    u_out = i_out = torch.zeros(x.shape[0], out.shape[1], device=x.device)
    best = u_out
    for n in range(x.shape[1]):
        s = Spike.apply(u - 1.0)
        best = torch.maximum(best, u_out)
        u, i = (b_mem * u + (1 - b_mem) * i) * (1 - s.detach()), b_syn * i + drive[:, n]
        if v is not None:
            i = i + s @ v
        u_out, i_out = b_out * u_out + (1 - b_out) * i_out, b_syn * i_out + s @ out
    return best


def measure(job, batch, compiled):
    inputs, steps, dt, hidden, recurrent, outputs, p = JOBS[job]
    torch.manual_seed(1)
    shape = (batch, steps, inputs)
    x = torch.rand(shape, device="cuda") if p is None else (torch.rand(shape, device="cuda") < p).float()
    y = torch.randint(outputs, (batch,), device="cuda")
    w = (torch.randn(inputs, hidden, device="cuda") * 7 / math.sqrt(inputs)).requires_grad_()
    v = (torch.randn(hidden, hidden, device="cuda") / math.sqrt(hidden)).requires_grad_() if recurrent else None
    out = (torch.randn(hidden, outputs, device="cuda") / math.sqrt(hidden)).requires_grad_()
    adam = torch.optim.Adam([p for p in (w, v, out) if p is not None], lr=1e-3)
    forward = torch.compile(run) if compiled else run

    def step():
        adam.zero_grad()
        torch.nn.functional.cross_entropy(forward(x, w, v, out, dt), y).backward()
        adam.step()

    for _ in range(2):
        step()
    torch.cuda.synchronize()
    times = []
    while len(times) < 5 or (sum(times) < 1.0 and len(times) < 50):
        start = time.perf_counter()
        step()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return sorted(times)[len(times) // 2] * 1e3


def main():
    # compiling a loop of 500 steps takes minutes; the jobs of 100 steps tell enough
    rows = [(job, 256, False) for job in JOBS] + [(job, 256, True) for job in "RMA" if "--compiled" in sys.argv]
    for job, batch, compiled in rows:
        what = "torch.compile" if compiled else "PyTorch loop"
        print(f"{job}  batch {batch:>5}  {what:<14} {measure(job, batch, compiled):9.2f} ms a step", flush=True)


main()
