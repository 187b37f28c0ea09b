"""Recorded measurements. `results/` holds one result card (JSON) a run; lessons and README quote nothing else."""
