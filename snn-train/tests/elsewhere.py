"""Runs a graph of NIR in snnTorch or Norse: TOOL GRAPH INPUT EXPECTED. Prints the fraction of hidden spikes that are as expected.

There, an input takes effect immediately, here two steps later, so the last two steps are not compared.
"""
import sys

import nir
import numpy as np
import torch

tool, path, given, expected = sys.argv[1:]
graph = nir.read(path)
dt = float(graph.metadata["snn.dt"])
# the readout is a node that neither runs
keep = {name: node for name, node in graph.nodes.items() if not name.startswith(("readout", "output"))}
units = len(keep["hidden1.lif"].v_threshold)
keep["output"] = nir.Output(output_type={"output": np.array([units])})
edges = [edge for edge in graph.edges if edge[0] in keep and edge[1] in keep]
graph = nir.NIRGraph(nodes=keep, edges=edges + [("hidden1.lif", "output")], type_check=False)

archive = np.load(given)
samples, steps, inputs = archive["shape"]
x = np.zeros((steps, samples, inputs), np.float32)
sample, step, unit = archive["spikes"].T
x[step, sample, unit] = 1
want = np.zeros((steps, samples, units), np.float32)
sample, step, unit = np.load(expected)["spikes.1"].T
inside = sample < samples
want[step[inside], sample[inside], unit[inside]] = 1

if tool == "snntorch":
    from snntorch.import_nir import import_from_nir

    net = import_from_nir(graph)
else:
    import norse.torch

    net = norse.torch.from_nir(graph, dt=dt)
state, found = None, []
with torch.no_grad():
    for frame in torch.from_numpy(x):
        out = net(frame, state) if state is not None else net(frame)
        spikes, state = out if isinstance(out, tuple) else (out, None)
        if isinstance(spikes, tuple):
            spikes = spikes[0]
        found.append(spikes.numpy())
found = np.stack(found)
assert found.sum() > 0 and want.sum() > 0, (found.sum(), want.sum())
same = np.logical_and(found[:-2] > 0, want[2:] > 0).sum() / np.logical_or(found[:-2] > 0, want[2:] > 0).sum()
print(f"{tool}: {found.sum():.0f} spikes there, {want.sum():.0f} here", file=sys.stderr)
print(same)
