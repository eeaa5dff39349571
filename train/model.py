"""The network: an anchor-free, one-class detector with strides 8, 16 and 32.

Plain 3x3 and 1x1 convolutions with ReLU, all widths multiples of 16, no channel
split: what onnxruntime's blocked (NCHWc) CPU kernels run without reordering.
"""
import torch
from torch import nn
from torch.nn import functional as F

STRIDES = (8, 16, 32)


class Conv(nn.Module):
    """Convolution, batch norm, ReLU. `fuse` folds the norm into the convolution."""

    def __init__(self, c_in, c_out, k=1, s=1):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, k, s, k // 2, bias=False)
        self.norm = nn.BatchNorm2d(c_out, eps=1e-3, momentum=0.03)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)), inplace=True)

    def fuse(self):
        scale = self.norm.weight / (self.norm.running_var + self.norm.eps).sqrt()
        conv = nn.Conv2d(self.conv.in_channels, self.conv.out_channels, self.conv.kernel_size,
                         self.conv.stride, self.conv.padding, bias=True)
        conv.weight.data = self.conv.weight.data * scale[:, None, None, None]
        conv.bias.data = self.norm.bias.data - self.norm.running_mean * scale
        self.conv, self.norm = conv, nn.Identity()


class CSP(nn.Module):
    """Cross-stage partial block: a skip path beside n residual pairs of 3x3, all concatenated."""

    def __init__(self, c_in, c_out, hidden, n=1, residual=True):
        super().__init__()
        self.skip = Conv(c_in, hidden)
        self.main = Conv(c_in, hidden)
        self.blocks = nn.ModuleList(nn.Sequential(Conv(hidden, hidden, 3), Conv(hidden, hidden, 3)) for _ in range(n))
        self.out = Conv((2 + n) * hidden, c_out)
        self.residual = residual

    def forward(self, x):
        ys = [self.skip(x), self.main(x)]
        for block in self.blocks:
            y = block(ys[-1])
            ys.append(ys[-1] + y if self.residual else y)
        return self.out(torch.cat(ys, 1))


class SPPF(nn.Module):
    """Three chained 5x5 max pools: at stride 32 a cell sees 416 pixels, a whole close-up."""

    def __init__(self, c, hidden):
        super().__init__()
        self.reduce, self.out = Conv(c, hidden), Conv(4 * hidden, c)

    def forward(self, x):
        ys = [self.reduce(x)]
        for _ in range(3):
            ys.append(F.max_pool2d(ys[-1], 5, 1, 2))
        return self.out(torch.cat(ys, 1))


SIZES = {
    "nano": {},
    "small": {"w": (16, 32, 96, 160, 256), "n": (1, 2, 3, 2), "neck": 96, "neck_hidden": 64},
}


class Person(nn.Module):
    """Backbone, top-down and bottom-up neck (PAN), one 3x3 a head.

    forward: x f32 [b,3,h,w] BGR in 0..1 -> a list of [b,5,h/s,w/s] for s in STRIDES:
    the score's logit and, before softplus, the distances left, top, right, bottom in strides.
    """

    def __init__(self, w=(16, 32, 64, 96, 128), n=(1, 2, 2, 1), neck=48, neck_hidden=32):
        super().__init__()
        self.stem = nn.Sequential(Conv(3, w[0], 3, 2), Conv(w[0], w[1], 3, 2), CSP(w[1], w[1], 16, n[0]))
        self.p3 = nn.Sequential(Conv(w[1], w[2], 3, 2), CSP(w[2], w[2], w[2] // 2, n[1]))
        self.p4 = nn.Sequential(Conv(w[2], w[3], 3, 2), CSP(w[3], w[3], w[3] // 2, n[2]))
        self.p5 = nn.Sequential(Conv(w[3], w[4], 3, 2), CSP(w[4], w[4], w[4] // 2, n[3]), SPPF(w[4], w[4] // 2))
        self.lateral = nn.ModuleList(Conv(c, neck) for c in w[2:])
        self.down = nn.ModuleList(Conv(neck, neck, 3, 2) for _ in range(2))
        self.top_down = nn.ModuleList(CSP(2 * neck, neck, neck_hidden, residual=False) for _ in range(2))
        self.bottom_up = nn.ModuleList(CSP(2 * neck, neck, neck_hidden, residual=False) for _ in range(2))
        self.head = nn.ModuleList(Conv(neck, neck, 3) for _ in STRIDES)
        self.predict = nn.ModuleList(nn.Conv2d(neck, 5, 1) for _ in STRIDES)
        for p in self.predict:
            nn.init.normal_(p.weight, std=0.01)
            p.bias.data = torch.tensor([-4.6, 1.0, 1.0, 1.0, 1.0])  # 1 % people, boxes of about 2.6 strides

    def forward(self, x):
        c3 = self.p3(self.stem(x))
        c4 = self.p4(c3)
        c5 = self.p5(c4)
        l3, l4, l5 = (f(c) for f, c in zip(self.lateral, (c3, c4, c5)))
        t4 = self.top_down[0](torch.cat((F.interpolate(l5, scale_factor=2.0), l4), 1))
        t3 = self.top_down[1](torch.cat((F.interpolate(t4, scale_factor=2.0), l3), 1))
        b4 = self.bottom_up[0](torch.cat((self.down[0](t3), t4), 1))
        b5 = self.bottom_up[1](torch.cat((self.down[1](b4), l5), 1))
        return [p(h(f)) for p, h, f in zip(self.predict, self.head, (t3, b4, b5))]


def decode(outputs):
    """outputs of Person -> boxes [b,N,4] x1,y1,x2,y2 in input pixels, logits [b,N,1],
    centres [N,2] in pixels and strides [N,1]."""
    rows, centres, strides = [], [], []
    for out, s in zip(outputs, STRIDES):
        h, w = out.shape[2], out.shape[3]
        ys = torch.arange(h, device=out.device).float() + 0.5
        xs = torch.arange(w, device=out.device).float() + 0.5
        grid = torch.stack((xs[None, :].expand(h, w), ys[:, None].expand(h, w)), -1).reshape(-1, 2)
        rows.append(out.flatten(2).float())
        centres.append(grid * s)
        strides.append(torch.ones_like(grid[:, :1]) * s)
    rows, centres, strides = torch.cat(rows, 2).transpose(1, 2), torch.cat(centres), torch.cat(strides)
    sides = F.softplus(rows[..., 1:]) * strides
    boxes = torch.cat((centres - sides[..., :2], centres + sides[..., 2:]), -1)
    return boxes, rows[..., :1], centres, strides


class Deployed(nn.Module):
    """What is exported: images f32 [b,3,h,w] BGR 0..255 -> boxes [b,N,4] and scores [b,N,1], sigmoid(scale * logit + shift)."""

    def __init__(self, net, scale=1., shift=0.):
        super().__init__()
        self.net = net.eval()
        for m in net.modules():
            if isinstance(m, Conv):
                m.fuse()
        net.stem[0].conv.weight.data /= 255  # the convolution's zero padding is 0 before and after
        for p in net.predict:
            p.weight.data[0] *= scale
            p.bias.data[0] = p.bias.data[0] * scale + shift

    def forward(self, images):
        boxes, logits, _, _ = decode(self.net(images))
        return boxes, logits.sigmoid()
