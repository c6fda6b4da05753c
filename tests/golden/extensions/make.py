#!/usr/bin/env python3
"""Cases for the extensions of the paper's model: more surrogates, adaptive thresholds, time constants per layer, an immediate reset,
other losses, and optimizers. Float64, only numpy (`python3 make.py`; deterministic); shares no code with the Rust program.

Writes one .npz file for each network and `manifest.json`, in the form of ../gradients, and `optimizers.json`.

THE MODEL (n = 0 .. T-1, all states zero at n = 0, layers l = 1 .. L, S_0 = the input x[n])

  S_l[n]     = 1 if U_l[n] - threshold - strength A_l[n] > 0 else 0                 (A and strength: only adaptive units)
  U_l[n+1]   = (b_mem_l U_l[n] + (1 - b_mem_l) I_l[n]) (1 - S_l[n])                 (delayed reset)
               b_mem_l U_l[n] (1 - S_l[n]) + (1 - b_mem_l) I_l[n]                   (immediate reset: "reset_time")
  I_l[n+1]   = b_syn_l I_l[n] + W_l S_{l-1}[n] + V_l S_l[n]
  A_l[n+1]   = b_ada A_l[n] + (1 - b_ada) S_l[n]
  U_out[n+1] = b_out U_out[n] + (1 - b_out) I_out[n]
  I_out[n+1] = b_syn_L I_out[n] + W_out S_L[n]
  b_x        = exp(-dt / tau_x);   logits = max (the first where tied) or sum of U_out over n

  cross-entropy  mean_b -sum_c q_c log softmax(logits)_c,  q_c = (1 - e) [c = y] + e / C
  spike-count    mean_b 1/C sum_c (r_c - t_c)^2,  r_c the mean count of the units i of layer L with floor(i C / M) = c

  arctangent      h(x) = (b / 2) / (1 + (pi b x / 2)^2)
  gaussian        h(x) = N(x; 0, 1/b)
  multi-gaussian  h(x) = 1.15 N(x; 0, 1/b) - 0.15 N(x; 1/b, 6/b) - 0.15 N(x; -1/b, 6/b)
  boxcar          h(x) = b where |x| < 1/(2 b), else 0

Before it writes anything, the program checks its backward pass: with a smooth function with derivative h instead of the step,
gradients must agree with finite differences.
"""
import json
import math
import os

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
DT = 1e-3


def normal(x, mean, sigma):
    return np.exp(-0.5 * ((x - mean) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))


def surrogate(kind, b, x):
    if kind == "superspike":
        return 1 / (b * np.abs(x) + 1) ** 2
    if kind == "arctangent":
        return (b / 2) / (1 + (math.pi * b * x / 2) ** 2)
    if kind == "gaussian":
        return normal(x, 0, 1 / b)
    if kind == "multi-gaussian":
        return 1.15 * normal(x, 0, 1 / b) - 0.15 * normal(x, 1 / b, 6 / b) - 0.15 * normal(x, -1 / b, 6 / b)
    if kind == "boxcar":
        return np.where(np.abs(x) < 1 / (2 * b), b, 0.0)
    raise ValueError(kind)


def smooth(kind, b, x):
    """A function with the surrogate as its derivative, only for the check."""
    erf = np.vectorize(math.erf)
    step = lambda mean, sigma: 0.5 * (1 + erf((x - mean) / (sigma * math.sqrt(2))))
    if kind == "superspike":
        return x / (1 + b * np.abs(x))
    if kind == "arctangent":
        return np.arctan(math.pi * b * x / 2) / math.pi + 0.5
    if kind == "gaussian":
        return step(0, 1 / b)
    if kind == "multi-gaussian":
        return 1.15 * step(0, 1 / b) - 0.15 * step(1 / b, 6 / b) - 0.15 * step(-1 / b, 6 / b)
    if kind == "boxcar":
        return np.clip(b * x, -0.5, 0.5) + 0.5
    raise ValueError(kind)


def factors(cfg):
    decay = lambda tau: math.exp(-DT / tau)
    each = lambda tau: [decay(t) for t in (tau if isinstance(tau, list) else [tau] * len(cfg["n_hidden"]))]
    return each(cfg["tau_mem"]), each(cfg["tau_syn"]), decay(cfg["tau_out"]), decay(cfg.get("tau_adaptation", 1.0))


def immediate(cfg):
    return cfg.get("reset_time") == "immediate"


def forward(cfg, x, w, spike=None):
    b_mem, b_syn, b_out, b_ada = factors(cfg)
    batch, steps, _ = x.shape
    hid, strength = cfg["n_hidden"], cfg.get("adaptation", 0.0)
    spike = spike or (lambda d: (d > 0).astype(float))
    u, i, a, s, d = ([np.zeros((steps + 1, batch, m)) for m in hid] for _ in range(5))
    uo, io = np.zeros((2, steps + 1, batch, cfg["n_out"]))
    for n in range(steps):
        for l in range(len(hid)):
            d[l][n] = u[l][n] - 1.0 - strength * a[l][n]
            s[l][n] = spike(d[l][n])
        for l in range(len(hid)):
            below = x[:, n] if l == 0 else s[l - 1][n]
            if immediate(cfg):
                u[l][n + 1] = b_mem[l] * u[l][n] * (1 - s[l][n]) + (1 - b_mem[l]) * i[l][n]
            else:
                u[l][n + 1] = (b_mem[l] * u[l][n] + (1 - b_mem[l]) * i[l][n]) * (1 - s[l][n])
            i[l][n + 1] = b_syn[l] * i[l][n] + below @ w[f"W{l + 1}"].T
            if cfg["recurrent"]:
                i[l][n + 1] += s[l][n] @ w[f"V{l + 1}"].T
            a[l][n + 1] = b_ada * a[l][n] + (1 - b_ada) * s[l][n]
        uo[n + 1] = b_out * uo[n] + (1 - b_out) * io[n]
        io[n + 1] = b_syn[-1] * io[n] + s[-1][n] @ w["Wout"].T
    return u, i, a, s, d, uo


def judge(cfg, y, s, uo):
    """Loss, logits, and the gradients of the readout trace and of the spike counts of the last layer."""
    steps, batch, classes = uo.shape[0] - 1, uo.shape[1], cfg["n_out"]
    trace = uo[:steps]
    arg = np.argmax(trace, axis=0)
    logits = trace.sum(0) if cfg["readout"] == "sum" else np.take_along_axis(trace, arg[None], 0)[0]
    d_trace, d_zeta = np.zeros_like(trace), np.zeros(s[-1].shape[1:])
    right = np.eye(classes)[y]
    loss = cfg["objective"]
    if loss["name"] == "spike-count":
        zeta, units = s[-1][:steps].sum(0), cfg["n_hidden"][-1]
        group = np.array([k * classes // units for k in range(units)])
        share = np.stack([(group == c) / (group == c).sum() for c in range(classes)], 1)
        off = zeta @ share - np.where(right == 1, loss["target_count"], loss["other_count"])
        d_zeta = 2 * off @ share.T / classes / batch
        return (off ** 2).mean(1).mean(), logits, d_trace, d_zeta
    e = loss.get("label_smoothing", 0.0)
    q = (1 - e) * right + e / classes
    z = logits - logits.max(1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(1, keepdims=True))
    d_logits = (np.exp(log_p) - q) / batch
    if cfg["readout"] == "sum":
        d_trace += d_logits[None]
    else:
        np.put_along_axis(d_trace, arg[None], d_logits[None], 0)
    return -(q * log_p).sum(1).mean(), logits, d_trace, d_zeta


def backward(cfg, x, w, state, d_trace, d_zeta):
    u, i, a, s, d, _ = state
    b_mem, b_syn, b_out, b_ada = factors(cfg)
    steps, layers = x.shape[1], len(cfg["n_hidden"])
    strength = cfg.get("adaptation", 0.0)
    g = {name: np.zeros_like(m) for name, m in w.items()}
    au, ai, aa = ([np.zeros_like(u[l][0]) for l in range(layers)] for _ in range(3))
    auo, aio = np.zeros_like(d_trace[0]), np.zeros_like(d_trace[0])
    for n in reversed(range(steps)):
        g["Wout"] += aio.T @ s[-1][n]
        a_s = []
        for l in range(layers):
            g[f"W{l + 1}"] += ai[l].T @ (x[:, n] if l == 0 else s[l - 1][n])
            down = ai[l + 1] @ w[f"W{l + 2}"] if l + 1 < layers else aio @ w["Wout"] + d_zeta
            if cfg["recurrent"]:
                g[f"V{l + 1}"] += ai[l].T @ s[l][n]
                if cfg["rec_grad"] == "propagate":
                    down = down + ai[l] @ w[f"V{l + 1}"]
            if cfg["reset"] == "diff":
                wiped_out = b_mem[l] * u[l][n] + (0 if immediate(cfg) else (1 - b_mem[l]) * i[l][n])
                down = down - au[l] * wiped_out
            a_s.append(down + (1 - b_ada) * aa[l])
        for l in range(layers):
            through = surrogate(cfg["surrogate"], cfg["beta"], d[l][n]) * a_s[l]
            kept = (1 - s[l][n]) * au[l]
            ai[l] = b_syn[l] * ai[l] + (1 - b_mem[l]) * (au[l] if immediate(cfg) else kept)
            au[l] = b_mem[l] * kept + through
            aa[l] = b_ada * aa[l] - strength * through
        aio, auo = b_syn[-1] * aio + (1 - b_out) * auo, b_out * auo + d_trace[n]
    return g


def draw(cfg, seed, scale):
    rng = np.random.default_rng(seed)
    sizes = [cfg["n_in"]] + cfg["n_hidden"]
    x = (rng.random((cfg["B"], cfg["T"], cfg["n_in"])) < 0.2).astype(float)
    w = {}
    for l, m in enumerate(cfg["n_hidden"]):
        w[f"W{l + 1}"] = (rng.normal(size=(m, sizes[l])) + 0.35) * scale / math.sqrt(sizes[l])
        if cfg["recurrent"]:
            w[f"V{l + 1}"] = rng.normal(size=(m, m)) * scale * 0.5 / math.sqrt(m)
    w["Wout"] = rng.normal(size=(cfg["n_out"], sizes[-1])) * scale / math.sqrt(sizes[-1])
    return x, rng.integers(0, cfg["n_out"], cfg["B"]), w


def check_backward(cfg, x, y, w):
    """Finite differences of a few weights of every matrix, in the smooth model, with both gradient switches enabled, as they must be,
    and too few steps for the model to become chaotic."""
    cfg, x = dict(cfg, reset="diff", rec_grad="propagate"), x[:, :12]
    f = lambda d: smooth(cfg["surrogate"], cfg["beta"], d)
    value = lambda w: judge(cfg, y, *(lambda st: (st[3], st[5]))(forward(cfg, x, w, f)))[0]
    state = forward(cfg, x, w, f)
    _, _, d_trace, d_zeta = judge(cfg, y, state[3], state[5])
    g = backward(cfg, x, w, state, d_trace, d_zeta)
    rng, worst = np.random.default_rng(0), 0.0
    for name, m in w.items():
        scale = np.abs(g[name]).max()
        for _ in range(6):
            at = tuple(rng.integers(0, k) for k in m.shape)
            e = 1e-6
            up, down = ({**w, name: m + e * sign * np.eye(1, m.size, np.ravel_multi_index(at, m.shape)).reshape(m.shape)}
                        for sign in (1, -1))
            difference = (value(up) - value(down)) / (2 * e)
            worst = max(worst, abs(difference - g[name][at]) / max(scale, 1e-3))
    return worst


def cases():
    base = dict(B=4, T=40, n_in=12, n_hidden=[9], n_out=4, recurrent=False, reset="detached", rec_grad="propagate",
                surrogate="superspike", beta=10.0, readout="max", reg={}, input="spikes", dt=DT, tau_mem=10e-3, tau_syn=5e-3,
                tau_out=20e-3, neuron="lif", objective=dict(name="cross-entropy"))
    deep = dict(n_hidden=[9, 7], recurrent=True)
    found = []
    case = lambda name, **kw: found.append(dict(base, name=name, **kw))
    for kind in ("arctangent", "gaussian", "multi-gaussian", "boxcar"):
        case(f"ff1_{kind}", surrogate=kind, beta=2.0)
        case(f"rec2_diff_{kind}_sum", surrogate=kind, beta=3.0, reset="diff", readout="sum", **deep)
        case(f"recdet2_{kind}", surrogate=kind, beta=1.0, rec_grad="detached", **deep)
    each = dict(tau_mem=[8e-3, 25e-3], tau_syn=[3e-3, 12e-3])
    case("taus_ff2", **each, n_hidden=[9, 7])
    case("taus_rec2_diff_sum", **each, reset="diff", readout="sum", **deep)
    case("taus_mem_rec3", tau_mem=[5e-3, 10e-3, 40e-3], n_hidden=[9, 5, 11], recurrent=True)
    adaptive = dict(neuron="adaptive-lif", tau_adaptation=30e-3, adaptation=1.8)
    case("adaptive_ff1", **adaptive)
    case("adaptive_rec1_sum", **adaptive, recurrent=True, readout="sum")
    case("adaptive_rec2_diff", **adaptive, reset="diff", **deep)
    case("adaptive_recdet2_gaussian", **adaptive, surrogate="gaussian", rec_grad="detached", **deep)
    case("adaptive_taus_rec2", **dict(adaptive, adaptation=0.7), **each, **deep)
    case("smoothing_ff1", objective=dict(name="cross-entropy", label_smoothing=0.1))
    case("smoothing_rec2_sum", objective=dict(name="cross-entropy", label_smoothing=0.3), readout="sum", **deep)
    counts = dict(objective=dict(name="spike-count", target_count=6.0, other_count=1.0))
    case("counts_ff1", **counts)
    case("counts_rec2_diff", **counts, reset="diff", **deep)
    at_once = dict(reset_time="immediate")
    case("immediate_ff1", **at_once)
    case("immediate_ff1_diff_gaussian", **at_once, reset="diff", surrogate="gaussian", beta=2.0)
    case("immediate_rec2", **at_once, **deep)
    case("immediate_rec2_diff_sum", **at_once, reset="diff", readout="sum", **deep)
    case("immediate_recdet2_taus", **at_once, **each, rec_grad="detached", **deep)
    case("immediate_adaptive_rec2_diff", **at_once, **adaptive, reset="diff", **deep)
    return found


def networks():
    manifest, worst = [], 0.0
    for k, cfg in enumerate(cases()):
        for attempt in range(4000):
            scale = (4.0, 5.0, 6.0, 8.0)[attempt % 4]
            x, y, w = draw(cfg, [7, k, attempt], scale)
            state = forward(cfg, x, w)
            u, _, _, s, d, uo = state
            steps = cfg["T"]
            counts = [float(a[:steps].sum(0).mean()) for a in s]
            margin = min(float(np.abs(a[:steps]).min()) for a in d)
            if cfg["surrogate"] == "boxcar":
                margin = min([margin] + [float(np.abs(np.abs(a[:steps]) - 0.5 / cfg["beta"]).min()) for a in d])
            trace = uo[:steps]
            top = trace.max(0)
            gap = float(np.where(trace == top, np.inf, top - trace).min())
            if not (all(1.5 < c < steps / 4 for c in counts) and margin > 2e-4 and gap > 1e-6):
                continue
            if cfg["readout"] == "max" and (top <= 0).mean() > 0.5:
                continue
            loss, logits, d_trace, d_zeta = judge(cfg, y, s, uo)
            g = backward(cfg, x, w, state, d_trace, d_zeta)
            dead = ["Wout"] if cfg["objective"]["name"] == "spike-count" else []
            if min(np.abs(m).max() for name, m in g.items() if name not in dead) > 1e-3:
                break
        else:
            raise RuntimeError("no usable draw for " + cfg["name"])
        error = check_backward(cfg, x, y, w)
        worst = max(worst, error)
        assert error < 1e-5, (cfg["name"], error)
        data = dict(x=x, y=y, logits=logits, loss_ce=loss, loss_reg=0.0, u_out=trace.transpose(1, 0, 2))
        for name, m in w.items():
            data[name], data["grad_" + name] = m, g[name]
        for l in range(len(s)):
            data[f"spikes{l + 1}"] = s[l][:steps].transpose(1, 0, 2).astype(np.uint8)
            data[f"u{l + 1}"] = u[l][:steps].transpose(1, 0, 2)
        np.savez_compressed(os.path.join(HERE, cfg["name"] + ".npz"), **data)
        manifest.append(dict(cfg, file=cfg["name"] + ".npz", seed=[7, k, attempt], weight_scale=scale, mean_spikes_per_neuron=counts,
                             threshold_margin=margin))
    json.dump(manifest, open(os.path.join(HERE, "manifest.json"), "w"), indent=1)
    print(f"{len(manifest)} networks; backward pass against finite differences of the smooth model: {worst:.1e} at most")


def optimizers():
    rng = np.random.default_rng(11)
    start = rng.normal(size=6)
    gradients = rng.normal(size=(20, 6)) * np.logspace(-3, 1, 6) + np.array([0, 0.5, 0, -2, 0, 3])
    gradients[5:9, 2] = 0.0
    found = []

    def run(name, settings, step):
        w, state = start.copy(), {}
        path = []
        for t, g in enumerate(gradients, 1):
            w = step(w, g, t, state, settings)
            path.append(w.tolist())
        found.append(dict(name=name, settings=settings, path=path))

    def moments(g, t, state, p):
        state["m"] = p["beta1"] * state.get("m", 0) + (1 - p["beta1"]) * g
        state["v"] = p["beta2"] * state.get("v", 0) + (1 - p["beta2"]) * g ** 2
        m, v = state["m"] / (1 - p["beta1"] ** t), state["v"] / (1 - p["beta2"] ** t)
        return p["learning_rate"] * m / (np.sqrt(v) + p["epsilon"])

    def adam(w, g, t, state, p):
        return w - moments(g + p["weight_decay"] * w, t, state, p)

    def adamw(w, g, t, state, p):
        return w * (1 - p["learning_rate"] * p["weight_decay"]) - moments(g, t, state, p)

    def sgd(w, g, t, state, p):
        state["v"] = p["momentum"] * state.get("v", 0) + g + p["weight_decay"] * w
        return w - p["learning_rate"] * state["v"]

    def smorms3(w, g, t, state, p):
        g = g + p["weight_decay"] * w
        mem, a, b = state.get("mem", 1.0), state.get("a", 0.0), state.get("b", 0.0)
        r = 1 / (mem + 1)
        a, b = (1 - r) * a + r * g, (1 - r) * b + r * g ** 2
        x = a * a / (b + p["epsilon"])
        state.update(mem=1 + mem * (1 - x), a=a, b=b)
        return w - g * np.minimum(p["learning_rate"], x) / (np.sqrt(b) + p["epsilon"])

    for decay in (0.0, 0.1):
        plain = dict(beta1=0.9, beta2=0.999, momentum=0.9, weight_decay=decay)
        run("adam", dict(plain, learning_rate=0.02, epsilon=1e-8), adam)
        run("adamw", dict(plain, learning_rate=0.02, epsilon=1e-8), adamw)
        run("sgd", dict(plain, learning_rate=0.01, epsilon=1e-8), sgd)
        run("smorms3", dict(plain, learning_rate=0.05, epsilon=1e-16), smorms3)
    run("adam", dict(beta1=0.5, beta2=0.9, momentum=0.0, weight_decay=0.0, learning_rate=0.3, epsilon=1e-2), adam)
    run("sgd", dict(beta1=0.9, beta2=0.999, momentum=0.0, weight_decay=0.0, learning_rate=0.05, epsilon=1e-8), sgd)
    data = dict(start=start.tolist(), gradients=gradients.tolist(), runs=found)
    json.dump(data, open(os.path.join(HERE, "optimizers.json"), "w"), indent=1)
    print(f"{len(found)} paths of optimizers")


if __name__ == "__main__":
    networks()
    optimizers()
