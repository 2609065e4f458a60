"""`python -m kerasae_export.cli`."""

from kerasae_export.cli import main

if __name__ == "__main__":
    main()
