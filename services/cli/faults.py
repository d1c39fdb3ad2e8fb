"""What can go wrong with a command, each said in one sentence to whoever gave it."""


class CommandFault(Exception):
    """Its message is for people."""


class AlreadyRunning(CommandFault):
    """Another process works on this data directory."""


class RelayFell(CommandFault):
    """The relay ended by an error: nothing more is planned or sent."""
