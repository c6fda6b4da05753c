#!/usr/bin/env python3
"""Packs the data that tests/training.rs needs from the reference training runs into randman_seed0.npz and randman_seed1.npz.

Usage: make.py REFERENCE_DIR, the directory with datasets/ and train/ of the reference program (numpy + PyTorch, float32).
Needs numpy. README.md describes the runs. Each file contains, for one data seed,

  steps       u8  [10000, 20]      step of each input's only spike, floor(t / 1 ms); 1000 samples per class: 800 for training,
                                   100 for validation, 100 for the test
  orders      u16 [10, 8000]       order of the training samples in the first ten epochs, the same for every learning rate
  W1, Wout    f32 [post, pre]      initial weights, the same for every learning rate
  eta         f64 [3]              learning rates
  train_loss  f64 [3, 50]          mean cross-entropy of each epoch; each batch is evaluated before its update
  test_acc    f64 [3, 50]          test accuracy after each epoch
"""
import pathlib
import sys

import numpy as np

reference = pathlib.Path(sys.argv[1])
etas = [0.001, 0.005, 0.01]
for seed in (0, 1):
    data = np.load(reference / f"datasets/randman_seed{seed}.npz")
    assert (data["y"] == np.arange(10000) // 1000).all()
    assert (data["split"].reshape(10, 1000) == np.repeat([0, 1, 2], [800, 100, 100])).all()
    runs = [np.load(reference / f"train/randman_seed{seed}_eta{eta:g}_normal.npz") for eta in etas]
    # drawn as in the reference program, which stores them for only one run
    rng = np.random.default_rng([2000 + seed])
    orders = np.stack([rng.permutation(8000) for _ in range(10)]).astype(np.uint16)
    for run in runs:
        assert (run["init_W1"] == runs[0]["init_W1"]).all() and (run["init_Wout"] == runs[0]["init_Wout"]).all()
        assert "orders" not in run.files or (run["orders"][:10] == orders).all()
    np.savez_compressed(
        pathlib.Path(__file__).with_name(f"randman_seed{seed}.npz"),
        steps=np.minimum(data["X"].astype(np.int64), 99).astype(np.uint8),
        orders=orders,
        W1=runs[0]["init_W1"],
        Wout=runs[0]["init_Wout"],
        eta=np.array(etas),
        train_loss=np.array([r["train_loss"] for r in runs], np.float64),
        test_acc=np.array([r["test_acc"] for r in runs], np.float64),
    )
