"""`python -m frdm_engine` is `frdm`."""

from frdm_engine.cli import main

if __name__ == "__main__":
    main()
