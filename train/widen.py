"""A checkpoint of nano -> one of small that computes nearly the same, to train on from: Net2Net (Chen et al. 2016).

Each channel of small copies one of nano; the weights of a convolution that reads copies are shared out among them. A block that
nano does not have begins near zero beside its skip path. Noise makes the copies differ.
"""
import argparse

import torch

from model import SIZES, Person
from teacher import Imitation

NOISE = .02  # deviation of a copied weight, in deviations of its convolution
BEGIN = .05  # scale of the last norm of a new block


class Widening:
    """Fills net's modules from source's, a module at a time, in the order of the data. A map [n] of long has, for each channel of
    net, the channel of source that it copies."""

    def __init__(self, seed, noise, begin):
        self.random, self.noise, self.begin = torch.Generator().manual_seed(seed), noise, begin

    def map(self, wide, narrow):
        more = torch.randint(narrow, (wide - narrow,), generator=self.random)
        return torch.cat((torch.arange(narrow), more))

    def spread(self, weight, reads, writes):
        """weight [out,in,…] of source -> that of net."""
        share = torch.bincount(reads, minlength=weight.shape[1]).clamp(min=1).float()[reads]
        wide = weight[:, reads] / share.view(1, -1, *[1] * (weight.dim() - 2))
        wide = wide[writes]
        return wide + torch.randn(wide.shape, generator=self.random) * wide.std() * self.noise

    def conv(self, net, source, reads, writes=None):
        """A model.Conv; returns its map."""
        if writes is None:
            writes = self.map(net.conv.out_channels, source.conv.out_channels)
        net.conv.weight.data = self.spread(source.conv.weight.data, reads, writes)
        for name in ("weight", "bias", "running_mean", "running_var"):
            getattr(net.norm, name).data = getattr(source.norm, name).data[writes].clone()
        return writes

    def plain(self, net, source, reads):
        """A convolution with a bias whose outputs stay."""
        net.weight.data = self.spread(source.weight.data, reads, torch.arange(source.out_channels))
        net.bias.data = source.bias.data.clone()

    def csp(self, net, source, reads):
        hidden = source.skip.conv.out_channels
        maps = [self.conv(net.skip, source.skip, reads), self.conv(net.main, source.main, reads)]
        for i, block in enumerate(net.blocks):
            if i < len(source.blocks):
                inner = self.conv(block[0], source.blocks[i][0], maps[-1])
                # A sum of two needs the same map on both sides.
                maps.append(self.conv(block[1], source.blocks[i][1], inner, maps[-1] if net.residual else None))
                last = len(maps) - 1
            else:
                block[1].norm.weight.data.fill_(self.begin)
                maps.append(maps[-1])
        places = list(range(len(maps)))
        for extra in range(last + 1, len(maps)):
            places[extra] = last
        return self.conv(net.out, source.out, torch.cat([m + p * hidden for m, p in zip(maps, places)]))

    def sppf(self, net, source, reads):
        hidden = source.reduce.conv.out_channels
        m = self.conv(net.reduce, source.reduce, reads)
        return self.conv(net.out, source.out, torch.cat([m + i * hidden for i in range(4)]))

    def person(self, net, adapt, source, source_adapt):
        at = self.conv(net.stem[0], source.stem[0], torch.arange(3))
        at = self.csp(net.stem[2], source.stem[2], self.conv(net.stem[1], source.stem[1], at))
        levels = []
        for name in ("p3", "p4", "p5"):
            mine, theirs = getattr(net, name), getattr(source, name)
            at = self.csp(mine[1], theirs[1], self.conv(mine[0], theirs[0], at))
            if len(mine) > 2:
                at = self.sppf(mine[2], theirs[2], at)
            levels.append(at)
        neck = source.lateral[0].conv.out_channels
        l3, l4, l5 = (self.conv(a, b, m) for a, b, m in zip(net.lateral, source.lateral, levels))

        def join(module, theirs, first, second):
            return self.csp(module, theirs, torch.cat((first, second + neck)))

        t4 = join(net.top_down[0], source.top_down[0], l5, l4)
        t3 = join(net.top_down[1], source.top_down[1], t4, l3)
        b4 = join(net.bottom_up[0], source.bottom_up[0], self.conv(net.down[0], source.down[0], t3), t4)
        b5 = join(net.bottom_up[1], source.bottom_up[1], self.conv(net.down[1], source.down[1], b4), l5)
        for i, m in enumerate((t3, b4, b5)):
            self.plain(net.predict[i], source.predict[i], self.conv(net.head[i], source.head[i], m))
            self.plain(adapt[i], source_adapt[i], m)


def widened(state, adapt, seed, noise, begin):
    """The modules of small and its imitation from the states of nano's."""
    torch.manual_seed(seed)
    source, net = Person(**SIZES["nano"]), Person(**SIZES["small"])
    source.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in state.items()})
    theirs, mine = Imitation(source).adapt, Imitation(net).adapt
    theirs.load_state_dict({k: v.float() for k, v in adapt.items()})
    Widening(seed, noise, begin).person(net, mine, source, theirs)
    return net, mine


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--checkpoint", required=True, help="last.pt of nano")
    p.add_argument("--out", required=True, help="checkpoint of small to write")
    p.add_argument("--seed", type=int, default=1)
    a = p.parse_args()
    c = torch.load(a.checkpoint, map_location="cpu")
    made = {}
    for name in ("net", "ema"):
        net, adapt = widened(c[name], c["adapt"], a.seed, NOISE, BEGIN)
        made[name] = {k: v.half() if v.is_floating_point() else v for k, v in net.state_dict().items()}
    made["adapt"] = {k: v.half() for k, v in adapt.state_dict().items()}
    torch.save({"size": "small", "images": c["images"], **made}, a.out)


if __name__ == "__main__":
    main()
