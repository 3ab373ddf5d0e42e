"""The paper's rivals beside diffusion, on problems whose truth is known."""
