"""What can go wrong with a command, each said in one sentence to whoever gave it."""


class CommandFault(Exception):
    """Its message is for people."""


class AlreadyRunning(CommandFault):
    """Another process works on this data directory."""


class WorkFell(CommandFault):
    """The relay or a listener ended by an error: no more is sent, or heard of what was."""
