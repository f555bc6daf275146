"""HMM topologies, transition ids, pdf ids, trees, and the transducers H and C."""
