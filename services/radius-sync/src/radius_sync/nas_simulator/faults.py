"""What can go wrong at a NAS and on the way to it, by a seeded chance."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Faults:
    """Knobs; a test may turn them while the simulator runs.

    `naks` gives each Error-Cause its chance; 0 stands for a NAK without Error-Cause. `lie` answers
    ACK and does nothing; `drop_replies` is the chance that the NAS acts and its reply is lost;
    `delay` is in seconds and holds back every reply.
    """

    loss: float = 0.0
    delay: float = 0.0
    drop_replies: float = 0.0
    naks: Mapping[int, float] = field(default_factory=dict)
    silent: bool = False
    lie: bool = False
    sign_replies: bool = True
    seed: int = 1

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - chance, not secrecy

    def loses(self) -> bool:
        """Whether a datagram is lost on its way, to the RADIUS server or from it."""
        return self._random.random() < self.loss

    def loses_request(self) -> bool:
        """Whether a request never arrives."""
        return self.silent or self._random.random() < self.loss

    def loses_reply(self) -> bool:
        """Whether a reply never arrives although the NAS has acted."""
        return self._random.random() < self.drop_replies or self._random.random() < self.loss

    def scripted_nak(self) -> int | None:
        """The Error-Cause to refuse this request with, or None."""
        chance = self._random.random()
        for cause, share in self.naks.items():
            if chance < share:
                return cause
            chance -= share
        return None


def parse_naks(texts: list[str]) -> dict[int, float]:
    """`["506:0.1", "401"]` → `{506: 0.1, 401: 1.0}`. ValueError names what is wrong."""
    naks = {}
    for text in texts:
        cause, _, share = text.partition(":")
        try:
            naks[int(cause)] = float(share or 1)
        except ValueError:
            raise ValueError(f"--nak {text}: expected CAUSE or CAUSE:CHANCE, as 506:0.1") from None
    return naks
