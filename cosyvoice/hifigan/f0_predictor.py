"""Pitch predictor: mel (B, 80, T) -> f0 in Hz (B, T); low values mean unvoiced."""

from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from cosyvoice.hifigan.causal import CausalConv1d

LAYERS = 5
F0_LOOKAHEAD = 3  # frames


class ConvRNNF0Predictor(nn.Module):
    """Five convolutions and a linear layer (there is no RNN; the name is the YAML's)."""

    def __init__(self, num_class: int = 1, in_channels: int = 80, cond_channels: int = 512):
        super().__init__()
        widths = [in_channels] + [cond_channels] * LAYERS
        self.condnet = nn.Sequential(
            *(
                layer
                for c, d in zip(widths, widths[1:])
                for layer in (weight_norm(nn.Conv1d(c, d, 3, padding=1)), nn.ELU())
            )
        )
        self.classifier = nn.Linear(cond_channels, num_class)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.condnet(x).transpose(1, 2)).squeeze(-1).abs()


class CausalConvRNNF0Predictor(ConvRNNF0Predictor):
    """The first convolution looks F0_LOOKAHEAD frames ahead, and all others look back."""

    def __init__(self, num_class: int = 1, in_channels: int = 80, cond_channels: int = 512):
        nn.Module.__init__(self)
        widths = [in_channels] + [cond_channels] * LAYERS
        sizes = [(F0_LOOKAHEAD + 1, F0_LOOKAHEAD)] + [(3, 0)] * (LAYERS - 1)
        self.condnet = nn.Sequential(
            *(
                layer
                for c, d, (size, ahead) in zip(widths, widths[1:], sizes)
                for layer in (weight_norm(CausalConv1d(c, d, size, ahead=ahead)), nn.ELU())
            )
        )
        self.classifier = nn.Linear(cond_channels, num_class)
