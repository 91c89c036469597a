"""`python -m mpe_lib.cli`, as `accelerate launch` calls it."""

from mpe_lib.cli import main

main()
