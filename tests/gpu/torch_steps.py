"""Training steps of the benchmark's jobs in PyTorch on a GPU: a plain loop over the steps, the same with its body compiled, and the
whole step as one CUDA graph.

Forward, cross-entropy, backward and Adam on a prepared batch; SuperSpike of slope 10, detached reset, Max readout. Writes a line
of JSON for each measurement, as `snn-gpu bench` does.
"""
import json, math, time

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


def lif_forward(u, i, u_out, i_out, best, drive, v, out, b_mem, b_syn, b_out):
    """One time step."""
    s = Spike.apply(u - 1.0)
    best = torch.maximum(best, u_out)
    u, i = (b_mem * u + (1 - b_mem) * i) * (1 - s.detach()), b_syn * i + drive
    if v is not None:
        i = i + s @ v
    u_out, i_out = b_out * u_out + (1 - b_out) * i_out, b_syn * i_out + s @ out
    return u, i, u_out, i_out, best


def run(x, w, v, out, dt, lif_forward):
    decays = [math.exp(-dt / tau) for tau in (10.0, 5.0, 20.0)]
    drive = x @ w
    u, i = torch.zeros_like(drive[:, 0]), torch.zeros_like(drive[:, 0])
    u_out, i_out, best = (torch.zeros(x.shape[0], out.shape[1], device=x.device) for _ in range(3))
    for n in range(x.shape[1]):
        u, i, u_out, i_out, best = lif_forward(u, i, u_out, i_out, best, drive[:, n], v, out, *decays)
    return best


def graph_of(step):
    """The step as one CUDA graph."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def measure(job, batch, program):
    inputs, steps, dt, hidden, recurrent, outputs, p = JOBS[job]
    torch.manual_seed(1)
    shape = (batch, steps, inputs)
    x = torch.rand(shape, device="cuda") if p is None else (torch.rand(shape, device="cuda") < p).float()
    y = torch.randint(outputs, (batch,), device="cuda")
    w = (torch.randn(inputs, hidden, device="cuda") * 7 / math.sqrt(inputs)).requires_grad_()
    v = (torch.randn(hidden, hidden, device="cuda") / math.sqrt(hidden)).requires_grad_() if recurrent else None
    out = (torch.randn(hidden, outputs, device="cuda") / math.sqrt(hidden)).requires_grad_()
    adam = torch.optim.Adam([p for p in (w, v, out) if p is not None], lr=1e-3, capturable=program == "graph")
    if program == "compiled":
        torch._dynamo.reset()  # it gives up on a function that it has compiled for too many shapes
    body = torch.compile(lif_forward, dynamic=False) if program == "compiled" else lif_forward

    def step():
        adam.zero_grad()
        torch.nn.functional.cross_entropy(run(x, w, v, out, dt, body), y).backward()
        adam.step()

    if program == "graph":
        step = graph_of(step)
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
    # the most important measurements first: the caller may end the program at a deadline
    rows = [(job, 256, program) for program in ("loop", "graph", "compiled") for job in JOBS]
    rows += [(job, batch, program) for batch in (1024, 4096) for program in ("loop", "graph") for job in JOBS]
    for job, batch, program in rows:
        try:
            ms = measure(job, batch, program)
            line = {"kind": "step", "job": job, "batch": batch, "program": program, "ms": ms}
        except Exception as error:  # out of memory, or no compiler for what is compiled
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            line = {"kind": "skipped", "what": f"PyTorch {program}, job {job}, batch {batch}", "reason": reason[:200]}
        torch.cuda.empty_cache()
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
