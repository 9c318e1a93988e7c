"""Column maps show what stands, and the encoder hears both."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from frdm_engine.model.encoder import Encoder, columns

Texture = Callable[..., Tensor]


def test_columns_show_a_standing_line_and_not_the_texture(texture: Texture) -> None:
    height, width = 144, 160
    plain = 0.3 + 0.4 * texture(height, width, span=(0.06, 0.25))
    for sign in (1, -1):
        scratched = plain.clone()
        scratched[..., 70:72] = (scratched[..., 70:72] + sign * 0.12).clamp(0, 1)
        found = columns(scratched)[0, 0]
        line, beside = sign * found[:, 70:72], torch.cat((found[:, :60], found[:, 82:]), dim=1).abs()
        assert float(line.mean()) > 3 * float(beside.quantile(0.95))
        assert float((line > 0.3).float().mean()) > 0.9
    assert float(columns(plain).abs().quantile(0.95)) < 0.25


def test_columns_are_blind_to_rows_and_even_fields() -> None:
    field = torch.full((1, 3, 40, 48), 0.4)
    torch.testing.assert_close(columns(field), torch.zeros(1, 1, 40, 48), rtol=0, atol=1e-5)
    field[..., 20:22, :] = 0.9
    torch.testing.assert_close(columns(field), torch.zeros(1, 1, 40, 48), rtol=0, atol=1e-5)


def test_one_bright_edge_is_no_scratch() -> None:
    frame = torch.full((1, 3, 144, 96), 0.2)
    frame[..., 60:76, 40:] = 1.0  # two of eighteen bands of eight rows
    scratch = torch.full((1, 3, 144, 96), 0.2)
    scratch[..., 40:42] = 0.3
    assert float(columns(scratch)[..., 70, 40].max()) > 3 * float(columns(frame)[..., 70, 30:50].abs().max())


def test_encoder_sees_frame_and_column_map() -> None:
    encoder = Encoder(6)
    frame, lines = torch.rand(1, 3, 16, 16), torch.rand(1, 1, 16, 16)
    made = encoder(frame, lines)
    assert not torch.allclose(made, encoder(frame, lines * 0))
    assert not torch.allclose(made, encoder(frame * 0, lines))
