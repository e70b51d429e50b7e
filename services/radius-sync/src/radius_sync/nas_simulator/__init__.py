"""A developer's NAS: `python -m radius_sync nas-simulator`, and in tests `NasSimulator(secret)`."""

from radius_sync.nas_simulator.command import main
from radius_sync.nas_simulator.faults import Faults
from radius_sync.nas_simulator.inventory import Inventory
from radius_sync.nas_simulator.login import Method
from radius_sync.nas_simulator.sessions import Session
from radius_sync.nas_simulator.simulator import NasSimulator
from radius_sync.radius_client import NoAnswer, Server

__all__ = ["Faults", "Inventory", "Method", "NasSimulator", "NoAnswer", "Server", "Session", "main"]
