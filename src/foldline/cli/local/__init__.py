"""Everything on this machine: embedded servers, a file projected once, the live demo."""
