"""Draws canvases from tiles on any device: each tile is one picture, scaled, moved and cut.

There is no rotation, so a tile is two small products: rows x picture x columns, with the weights of a triangle filter as wide
as a source pixel or a target pixel, whichever is larger (bilinear when enlarging, without aliasing when shrinking).
"""
import math

import torch
from torch.nn import functional as F

PAD = 114 / 255

# Columns of a tile: the picture, the canvas it goes to, the rectangle of the canvas it covers, and target = scale * source + move.
PICTURE, CANVAS, X0, Y0, X1, Y1, SCALE_X, SCALE_Y, MOVE_X, MOVE_Y = range(10)
# Columns of a canvas' colours.
HUE, SATURATION, GAMMA, GAIN, GREY, BLUR, JPEG, NOISE = range(8)


def weights(scale, move, low, high, target, source):
    """scale, move, low, high [t] -> [t,target,source]: how much of each source pixel is in each target pixel; none outside low to high."""
    at = torch.arange(target, device=scale.device) + .5
    middle = (at[None] - move[:, None]) / scale[:, None] - .5
    reach = (1 / scale.abs()).clamp(min=1)[:, None, None]
    w = (1 - (torch.arange(source, device=scale.device)[None, None] - middle[..., None]).abs() / reach).clamp_(min=0)
    w = w / w.sum(-1, keepdim=True).clamp(min=reach / 2)
    return w * ((at[None] > low[:, None]) & (at[None] < high[:, None]))[..., None]


def render(pool, tiles, count, size):
    """pool uint8 [n,3,s,s], padded with PAD; tiles [t,10] in the columns above -> [count,3,size,size] in 0..1."""
    kind = torch.float16 if pool.is_cuda else torch.float32
    picture = (pool[tiles[:, PICTURE].long()].to(kind) / 255).sub_(PAD)
    side = pool.shape[-1]
    rows = weights(tiles[:, SCALE_Y], tiles[:, MOVE_Y], tiles[:, Y0], tiles[:, Y1], size, side).to(kind)
    columns = weights(tiles[:, SCALE_X], tiles[:, MOVE_X], tiles[:, X0], tiles[:, X1], size, side).to(kind)
    drawn = rows[:, None] @ (picture @ columns[:, None].transpose(2, 3))
    canvas = torch.full((count, 3, size, size), PAD, device=pool.device)
    return canvas.index_add_(0, tiles[:, CANVAS].long(), drawn.float()).clamp_(0, 1)


def recolour(x, colours):
    """x [b,3,h,w] BGR in 0..1 and colours [b,8] -> x, changed. Hue and the like change as in HSV."""
    c = colours.T[:, :, None, None, None]
    x = torch.einsum("boc,bchw->bohw", hue_rotation(colours[:, HUE]), x).clamp_(0, 1)
    value = x.amax(1, keepdim=True)
    x = (value - (value - x) * c[SATURATION]).clamp_(0, 1)
    x = (x * (c[GAIN] * value ** c[GAMMA] / value.clamp(min=1 / 255))).clamp_(0, 1)
    grey = x[:, :1] * .114 + x[:, 1:2] * .587 + x[:, 2:] * .299
    x = torch.where(c[GREY] > 0, grey, x)
    for column, change in ((BLUR, blur), (JPEG, jpeg), (NOISE, noise)):
        chosen = (colours[:, column] > 0).nonzero()[:, 0]
        if len(chosen):
            x[chosen] = change(x[chosen], colours[chosen, column])
    return x


def hue_rotation(angle):
    """angle [b] in radians -> [b,3,3], the rotation about the axis of greys."""
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    cross = torch.tensor([[0., -1, 1], [1, 0, -1], [-1, 1, 0]], device=angle.device) / math.sqrt(3)
    return cos * torch.eye(3, device=angle.device) + (1 - cos) / 3 + sin * cross


def blur(x, sigma):
    """Gaussian, sigma [b] in pixels, at most 1.5."""
    d = torch.arange(-5, 6, device=x.device)
    k = torch.exp(-d ** 2 / (2 * sigma[:, None] ** 2))
    k = (k / k.sum(1, keepdim=True)).repeat_interleave(3, 0)
    y = F.pad(x.reshape(1, -1, *x.shape[2:]), (5, 5, 5, 5), mode="reflect")
    y = F.conv2d(y, k[:, None, None, :], groups=len(k))
    return F.conv2d(y, k[:, None, :, None], groups=len(k)).reshape(x.shape)


# Annex K.1 of ITU-T T.81.
LUMINANCE = [16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62,
             18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99]


def jpeg(x, quality):
    """The loss of JPEG at quality [b], 1 to 100, by the luminance table in all three channels; sides are multiples of 8."""
    i = torch.arange(8, device=x.device)
    dct = torch.cos((2 * i[None] + 1) * i[:, None] * math.pi / 16) * torch.where(i == 0, math.sqrt(1 / 8), .5)[:, None]
    factor = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
    table = (torch.tensor(LUMINANCE, device=x.device).reshape(8, 8) * factor[:, None, None]).clamp(min=1)[:, None, None, None] / 255
    b, c, h, w = x.shape
    blocks = x.reshape(b, c, h // 8, 8, w // 8, 8).transpose(3, 4) - .5
    blocks = dct.T @ ((dct @ blocks @ dct.T / table).round_() * table) @ dct
    return (blocks + .5).transpose(3, 4).reshape(x.shape).clamp_(0, 1)


def noise(x, sigma):
    return (x + torch.randn_like(x) * sigma[:, None, None, None]).clamp_(0, 1)
