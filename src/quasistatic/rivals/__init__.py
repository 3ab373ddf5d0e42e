"""The paper's rivals: what was done with flexible distributions before diffusion, one file a
method.

An unnormalised distribution is an energy (`energy.py`): of bits on a graph (`boltzmann.py`), of
bits with hidden units (`restricted.py`), of numbers by a network (`network_energy.py`).

- Normalisers, samples and marginals of a given energy: `exact`, `mean_field`,
  `belief_propagation`, `monte_carlo`, `annealing`, `jarzynski`.
- An energy from rows: `exact`, `mean_field`, `belief_propagation`, `pseudolikelihood`,
  `probability_flow`, `ratio_matching`, `contrastive_divergence`, `score_matching`.
- Normalised distributions by variational Bayes: `bernoulli_mixture`, `autoencoder`.

Bits are numbers 0.0 and 1.0. Functions are of one row unless they say "rows".
"""
