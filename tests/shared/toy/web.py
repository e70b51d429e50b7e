"""What granian loads: the toy's application, on the settings of its environment."""

import os

from flask import Flask

from shared import settings
from shared.settings import Settings
from tests.shared.toy import service


def app() -> Flask:
    name = os.environ["TOY_SERVICE"]
    return service.build(Settings(**settings.read(name, database=name)))
