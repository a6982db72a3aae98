"""`python -m mien`, and with it `torchrun -m mien train`."""

from mien.cli import main

main()
