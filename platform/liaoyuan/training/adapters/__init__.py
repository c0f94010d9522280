"""The training engine: plain PyTorch and PEFT, no Django. Runs in a child process (:mod:`child`)."""
