"""What a stream keeps of finished frames, so that the next ones cost only themselves.

A network whose layers look back only, or ahead within a block, gives finished frames no new value
when more follow. Each layer then needs of them what it reads again: a convolution its last few
frames, an attention all of its inputs. Frames are (B, T, D).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Past:
    """Finished frames of one stream, by layer.

    pinned: how many of the first frames attention always sees, the prompt's. recent: how many of
    the last ones it sees beside them; None for all of them. Not thread-safe.
    """

    def __init__(self, pinned: int = 0, recent: int | None = None):
        self.pinned, self.recent = pinned, recent
        self.frames = 0  # finished; counted by the caller, when all layers are done
        self.kept: dict[nn.Module, Tensor] = {}

    def lead_in(self, layer: nn.Module, x: Tensor, frames: int) -> Tensor:
        """x with the `frames` frames before it, zeros at the start of the stream."""
        before = self.kept.get(layer)
        x = F.pad(x, (0, 0, frames, 0)) if before is None else torch.cat([before, x], 1)
        self.kept[layer] = x[:, x.shape[1] - frames :].clone()
        return x

    def seen(self, layer: nn.Module, x: Tensor) -> Tensor:
        """The frames that attention sees: those kept, then x."""
        before = self.kept.get(layer)
        x = x if before is None else torch.cat([before, x], 1)
        self.kept[layer] = x
        if self.recent is not None and x.shape[1] > self.pinned + self.recent:
            last = x[:, x.shape[1] - self.recent :]
            self.kept[layer] = torch.cat([x[:, : self.pinned], last], 1)
        return x

    @property
    def attended(self) -> int:
        """How many of the finished frames attention sees."""
        return self.frames if self.recent is None else min(self.frames, self.pinned + self.recent)

    @property
    def nbytes(self) -> int:
        return sum(x.nbytes for x in self.kept.values())


def lead_in(past: Past | None, layer: nn.Module, x: Tensor, frames: int) -> Tensor:
    """x (B, T, D) with the `frames` frames before it, zeros where there are none."""
    return F.pad(x, (0, 0, frames, 0)) if past is None else past.lead_in(layer, x, frames)


def visible_blocks(queries: int, keys: int, block: int, device=None) -> Tensor | None:
    """bool (queries, keys), True where visible; None where all are.

    The queries are the last of the keys and start a block. A query sees all frames before it and
    those of its block.
    """
    if queries <= block:
        return None
    number = torch.arange(queries, device=device) // block
    visible = number <= number[:, None]
    return F.pad(visible, (keys - queries, 0), value=True)


def visible_frames(
    x: Tensor, mask: Tensor | None, block: int, past: Past | None = None
) -> Tensor | None:
    """What attention over x (B, T, D) sees: bool, broadcasts to (B, 1, T, S); None for everything.

    mask (B, 1, T): 1 where a row has data. block: frames of a block of a stream, 0 for no blocks.
    """
    real = None if mask is None else mask[:, None].bool()
    if not block:
        return real
    frames, kept = x.shape[1], 0 if past is None else past.attended
    blocks = visible_blocks(frames, kept + frames, block, x.device)
    return blocks if real is None else real if blocks is None else blocks & real
