"""What `benchmarks/fuzz.py` is made of: mutations, and what is done with mutated inputs."""
