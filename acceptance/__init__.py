"""What a deployment does as a whole, on what this machine has to offer. Not part of `make test`."""
