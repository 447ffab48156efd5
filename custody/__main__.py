"""`python -m custody` is the command `custody`."""

from custody.cli import main

if __name__ == "__main__":
    main()
