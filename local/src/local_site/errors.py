"""What is told to the person who started the site."""


class SiteError(Exception):
    """The site cannot start; the message says why and what to do. No traceback is shown."""


class Stopped(Exception):
    """Ctrl-C or a stop signal came while the site was starting."""
