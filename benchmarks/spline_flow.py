"""A neural spline flow (Durkan et al. 2019) on tables of numbers, by the library `zuko`, which is
installed apart from the extras (`pip install zuko`, with PyTorch).

Rows are standardised; a value on a lattice gets uniform noise of the width of its cell, anew in
every epoch, and its mass is the mean density over the cell times its width, as for the Gaussian
mixture (`baselines.py`). Sizes, learning rate and number of epochs are chosen by the validation
rows: each flow is trained until these have not improved for `PATIENCE` epochs, and the best state
of the best one is kept.
"""

import copy
import importlib.util
from itertools import product
from typing import Any

import numpy as np
from baselines import DRAWS, Numbers
from scipy.special import logsumexp

TRANSFORMS = (2, 4)
HIDDEN = (32, 128)
RATES = (1e-3, 3e-3)
BATCH = 256
PATIENCE = 30
MOST_EPOCHS = 1000


def is_installed() -> bool:
    """Whether the flow can be fitted here."""
    return importlib.util.find_spec("zuko") is not None


def spline_flow(train: Numbers, valid: Numbers, test: Numbers, seed: int) -> tuple[np.ndarray, str]:
    """Test log-likelihood per row (nats, same base measure) of the flow that is best on the
    validation rows, and its settings.
    """
    best = None
    for transforms, hidden, rate in product(TRANSFORMS, HIDDEN, RATES):
        flow, reached, epochs = _trained(train, valid, transforms, hidden, rate, seed)
        if best is None or reached > best[0]:
            words = f"{transforms} transforms, {hidden} hidden, rate {rate:g}, {epochs} epochs"
            best = reached, flow, words
    assert best is not None
    return log_density(best[1], train, test, np.random.default_rng(seed + 1)), best[2]


def log_density(flow: Any, train: Numbers, data: Numbers, rng: np.random.Generator) -> np.ndarray:
    """Of every row, nats `[N]`."""
    import torch

    mean, scale = _units(train)
    with torch.no_grad():
        draws = [
            flow().log_prob(_tensor((data.noisy(rng) - mean) / scale)).numpy().astype(np.float64)
            for _ in range(DRAWS if (data.widths > 0).any() else 1)
        ]
    mean_density = logsumexp(draws, axis=0) - np.log(len(draws))
    return mean_density - np.log(scale).sum() + data.log_cell


def _trained(
    train: Numbers, valid: Numbers, transforms: int, hidden: int, rate: float, seed: int
) -> tuple[Any, float, int]:
    """The flow at its best epoch, its validation mean there, and the epoch."""
    import torch
    import zuko

    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    mean, scale = _units(train)
    sizes = {"transforms": transforms, "hidden_features": (hidden, hidden)}
    flow = zuko.flows.NSF(train.x.shape[1], **sizes)
    optimiser = torch.optim.Adam(flow.parameters(), lr=rate)
    best, kept, at = -np.inf, None, 0
    for epoch in range(1, MOST_EPOCHS + 1):
        rows = _tensor((train.noisy(rng) - mean) / scale)[torch.randperm(len(train.x))]
        for batch in rows.split(BATCH):
            loss = -flow().log_prob(batch).mean()
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(flow.parameters(), 1.0)
            optimiser.step()
        reached = log_density(flow, train, valid, np.random.default_rng(seed)).mean()
        if reached > best:
            best, kept, at = float(reached), copy.deepcopy(flow.state_dict()), epoch
        if epoch - at >= PATIENCE:
            break
    assert kept is not None
    flow.load_state_dict(kept)
    return flow, best, at


def _units(train: Numbers) -> tuple[np.ndarray, np.ndarray]:
    return train.x.mean(axis=0), train.x.std(axis=0) + 1e-12


def _tensor(x: np.ndarray) -> Any:
    import torch

    return torch.as_tensor(x, dtype=torch.float32)
