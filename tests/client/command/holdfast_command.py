"""``python -m tests.client.command.holdfast_command``: the ``holdfast`` script."""

from holdfast_client.command import main

main()
