"""`python -m foldline` is `foldline`."""

from foldline.cli import main

if __name__ == "__main__":
    main()
