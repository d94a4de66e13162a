"""Vision: boxes, pyramids, segmentation, super resolution, augmentation, keypoints, in the ways of torchvision and timm."""

import math
from typing import Dict, List, Optional, Tuple

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import Tensor


def box_area(boxes: Tensor) -> Tensor:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    area1 = box_area(boxes1)
    area2 = box_area(boxes2)
    lt = torch.max(boxes1[:, None, :2], boxes2[:, :2])
    rb = torch.min(boxes1[:, None, 2:], boxes2[:, 2:])
    wh = (rb - lt).clamp(min=0)
    inter = wh[:, :, 0] * wh[:, :, 1]
    return inter / (area1[:, None] + area2 - inter)


def nms(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    keep: List[int] = []
    order = scores.argsort(descending=True)
    while order.numel() > 0:
        i = int(order[0].item())
        keep.append(i)
        if order.numel() == 1:
            break
        iou = box_iou(boxes[i].unsqueeze(0), boxes[order[1:]]).squeeze(0)
        order = order[1:][iou <= threshold]
    return torch.tensor(keep, dtype=torch.int64)


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, threshold: float) -> Tensor:
    if boxes.numel() == 0:
        return torch.empty((0,), dtype=torch.int64, device=boxes.device)
    max_coordinate = boxes.max()
    offsets = idxs.to(boxes) * (max_coordinate + torch.tensor(1).to(boxes))
    return nms(boxes + offsets[:, None], scores, threshold)


class BoxCoder:
    def __init__(self, weights: Tuple[float, float, float, float], bbox_xform_clip: float = math.log(1000.0 / 16)):
        self.weights = weights
        self.bbox_xform_clip = bbox_xform_clip

    def decode(self, rel_codes: Tensor, boxes: Tensor) -> Tensor:
        boxes = boxes.to(rel_codes.dtype)
        widths = boxes[:, 2] - boxes[:, 0]
        heights = boxes[:, 3] - boxes[:, 1]
        ctr_x = boxes[:, 0] + 0.5 * widths
        ctr_y = boxes[:, 1] + 0.5 * heights
        wx, wy, ww, wh = self.weights
        dx = rel_codes[:, 0::4] / wx
        dy = rel_codes[:, 1::4] / wy
        dw = torch.clamp(rel_codes[:, 2::4] / ww, max=self.bbox_xform_clip)
        dh = torch.clamp(rel_codes[:, 3::4] / wh, max=self.bbox_xform_clip)
        pred_ctr_x = dx * widths[:, None] + ctr_x[:, None]
        pred_ctr_y = dy * heights[:, None] + ctr_y[:, None]
        pred_w = torch.exp(dw) * widths[:, None]
        pred_h = torch.exp(dh) * heights[:, None]
        c_w = torch.tensor(0.5, dtype=pred_ctr_x.dtype, device=pred_w.device) * pred_w
        c_h = torch.tensor(0.5, dtype=pred_ctr_y.dtype, device=pred_h.device) * pred_h
        return torch.stack((pred_ctr_x - c_w, pred_ctr_y - c_h, pred_ctr_x + c_w, pred_ctr_y + c_h), dim=2).flatten(1)


class AnchorGenerator(nn.Module):
    __annotations__ = {"cell_anchors": List[torch.Tensor]}

    def __init__(self, sizes: Tuple[Tuple[int, ...], ...] = ((4,), (8,)), ratios: Tuple[float, ...] = (0.5, 1.0, 2.0)):
        super().__init__()
        self.sizes = sizes
        self.cell_anchors = [self.generate_anchors(s, ratios) for s in sizes]

    def generate_anchors(self, scales: List[int], aspect_ratios: List[float], dtype: torch.dtype = torch.float32) -> Tensor:
        scales_t = torch.as_tensor(scales, dtype=dtype)
        ratios = torch.as_tensor(aspect_ratios, dtype=dtype)
        h_ratios = torch.sqrt(ratios)
        w_ratios = 1 / h_ratios
        ws = (w_ratios[:, None] * scales_t[None, :]).view(-1)
        hs = (h_ratios[:, None] * scales_t[None, :]).view(-1)
        return (torch.stack([-ws, -hs, ws, hs], dim=1) / 2).round()

    def grid_anchors(self, grid_sizes: List[List[int]], strides: List[List[Tensor]]) -> List[Tensor]:
        anchors: List[Tensor] = []
        cell_anchors = self.cell_anchors
        torch._assert(cell_anchors is not None, "cell_anchors should not be None")
        torch._assert(len(grid_sizes) == len(strides) == len(cell_anchors), "Anchors should be Tuple[Tuple[int]]")
        for size, stride, base_anchors in zip(grid_sizes, strides, cell_anchors):
            grid_height, grid_width = size
            stride_height, stride_width = stride
            device = base_anchors.device
            shifts_x = torch.arange(0, grid_width, dtype=torch.int32, device=device) * stride_width
            shifts_y = torch.arange(0, grid_height, dtype=torch.int32, device=device) * stride_height
            shift_y, shift_x = torch.meshgrid(shifts_y, shifts_x, indexing="ij")
            shift_x = shift_x.reshape(-1)
            shift_y = shift_y.reshape(-1)
            shifts = torch.stack((shift_x, shift_y, shift_x, shift_y), dim=1)
            anchors.append((shifts.view(-1, 1, 4) + base_anchors.view(1, -1, 4)).reshape(-1, 4))
        return anchors

    def forward(self, image_size: List[int], feature_maps: List[Tensor]) -> Tensor:
        grid_sizes = [feature_map.shape[-2:] for feature_map in feature_maps]
        strides = [
            [torch.empty((), dtype=torch.int64).fill_(image_size[0] // g[0]), torch.empty((), dtype=torch.int64).fill_(image_size[1] // g[1])]
            for g in grid_sizes
        ]
        return torch.cat(self.grid_anchors(grid_sizes, strides))


class Detector(nn.Module):
    """Backbone, pyramid, anchors, heads, decoding and suppression: dicts of lists in and out."""

    def __init__(self):
        super().__init__()
        self.c1 = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(6), nn.ReLU(inplace=True))
        self.c2 = nn.Sequential(nn.Conv2d(6, 8, 3, stride=2, padding=1, groups=2), nn.BatchNorm2d(8), nn.ReLU(inplace=True))
        self.inner_blocks = nn.ModuleList([nn.Conv2d(6, 8, 1), nn.Conv2d(8, 8, 1)])
        self.layer_blocks = nn.ModuleList([nn.Conv2d(8, 8, 3, padding=1) for _ in range(2)])
        self.cls = nn.Conv2d(8, 9, 3, padding=1)
        self.reg = nn.Conv2d(8, 12, 3, padding=1)
        self.anchors = AnchorGenerator()
        self.threshold = 0.2

    def inner(self, x: Tensor, idx: int) -> Tensor:
        num_blocks = len(self.inner_blocks)
        if idx < 0:
            idx += num_blocks
        out = x
        for i, module in enumerate(self.inner_blocks):
            if i == idx:
                out = module(x)
        return out

    def fpn(self, x: Dict[str, Tensor]) -> Dict[str, Tensor]:
        names = list(x.keys())
        feats = list(x.values())
        last = self.inner(feats[-1], -1)
        results: List[Tensor] = []
        results.append(self.layer_blocks[1](last))
        for idx in range(len(feats) - 2, -1, -1):
            lateral = self.inner(feats[idx], idx)
            top_down = F.interpolate(last, size=lateral.shape[-2:], mode="nearest")
            last = lateral + top_down
            results.insert(0, self.layer_blocks[0](last))
        out: Dict[str, Tensor] = {}
        for k, v in zip(names, results):
            out[k] = v
        return out

    def permute(self, x: Tensor, k: int) -> Tensor:
        n, _, h, w = x.shape
        return x.view(n, -1, k, h, w).permute(0, 3, 4, 1, 2).reshape(n, -1, k)

    def decode(self, codes: Tensor, anchors: Tensor) -> Tensor:
        coder = BoxCoder((1.0, 1.0, 1.0, 1.0))
        return coder.decode(codes, anchors)

    def forward(self, images: List[Tensor], targets: Optional[List[Dict[str, Tensor]]] = None) -> Tuple[Dict[str, Tensor], List[Dict[str, Tensor]]]:
        if self.training and targets is None:
            raise ValueError("In training mode, targets should be passed")
        max_size = [0, 0]
        for image in images:
            for d in range(2):
                max_size[d] = max(max_size[d], image.shape[d + 1])
        stride = 4
        max_size[0] = int(math.ceil(float(max_size[0]) / stride) * stride)
        max_size[1] = int(math.ceil(float(max_size[1]) / stride) * stride)
        batch = images[0].new_full([len(images), 3] + max_size, 0)
        for i in range(batch.shape[0]):
            img = images[i]
            batch[i, : img.shape[0], : img.shape[1], : img.shape[2]].copy_(img)
        a = self.c1(batch)
        features = self.fpn({"0": a, "1": self.c2(a)})
        logits = torch.cat([self.permute(self.cls(f), 3) for f in features.values()], 1)
        codes = torch.cat([self.permute(self.reg(f), 4) for f in features.values()], 1)
        anchors = self.anchors(max_size, list(features.values()))
        detections: List[Dict[str, Tensor]] = []
        for i in range(len(images)):
            scores, labels = torch.sigmoid(logits[i]).max(-1)
            boxes = self.decode(codes[i], anchors)
            boxes_x = boxes[..., 0::2].clamp(min=0, max=images[i].shape[2])
            boxes_y = boxes[..., 1::2].clamp(min=0, max=images[i].shape[1])
            boxes = torch.stack((boxes_x, boxes_y), dim=boxes.dim()).reshape(boxes.shape)
            keep = torch.where(scores > self.threshold)[0]
            small = torch.where((boxes[keep][:, 2] - boxes[keep][:, 0] >= 1e-2) & (boxes[keep][:, 3] - boxes[keep][:, 1] >= 1e-2))[0]
            keep = keep[small]
            keep = keep[batched_nms(boxes[keep], scores[keep], labels[keep], 0.5)][:5]
            detections.append({"boxes": boxes[keep], "scores": scores[keep], "labels": labels[keep]})
        return features, detections


class UNet(nn.Module):
    def __init__(self, bilinear: bool = True):
        super().__init__()
        self.down = nn.ModuleList([self.block(3, 4), self.block(4, 8)])
        self.pool = nn.MaxPool2d(2)
        self.mid = self.block(8, 8)
        self.up: nn.Module = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True) if bilinear else nn.ConvTranspose2d(8, 8, 2, stride=2)
        self.dec = nn.ModuleList([self.block(16, 4), self.block(8, 4)])
        self.up2 = nn.ConvTranspose2d(4, 4, kernel_size=3, stride=2, padding=1, output_padding=1)
        self.out = nn.Conv2d(4, 2, kernel_size=1)

    def block(self, i: int, o: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(i, o, 3, padding=1), nn.InstanceNorm2d(o, affine=True), nn.LeakyReLU(0.01), nn.Conv2d(o, o, 3, padding=1), nn.InstanceNorm2d(o), nn.PReLU())

    def forward(self, x: Tensor) -> Dict[str, Tensor]:
        skips: List[Tensor] = []
        for block in self.down:
            x = block(x)
            skips.append(x)
            x = self.pool(x)
        x = self.mid(x)
        skips.reverse()
        for i, block in enumerate(self.dec):
            x = self.up(x) if i == 0 else self.up2(x)
            dy, dx = skips[i].size(2) - x.size(2), skips[i].size(3) - x.size(3)
            x = F.pad(x, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
            x = block(torch.cat([skips[i], x], dim=1))
        logits = self.out(x)
        return {"out": logits, "mask": logits.argmax(1).to(torch.uint8)}


class DeepLabHead(nn.Module):
    """Atrous pyramid with image pooling."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(4, 4, 3, padding=r, dilation=r) for r in (1, 2)])
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(4, 4, 1), nn.ReLU())
        self.project = nn.Sequential(nn.Conv2d(12, 3, 1), nn.BatchNorm2d(3), nn.ReLU())

    def forward(self, x: Tensor, out_size: List[int]) -> Tensor:
        res = [conv(x) for conv in self.convs]
        res.append(F.interpolate(self.pool(x), size=x.shape[-2:], mode="bilinear", align_corners=False))
        y = self.project(torch.cat(res, dim=1))
        return F.interpolate(y, size=out_size, mode="bicubic", align_corners=False)


class Espcn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 18, 3, padding=1)
        self.shuffle = nn.PixelShuffle(3)
        self.unshuffle = nn.PixelUnshuffle(2)
        self.channels = nn.ChannelShuffle(2)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        y = self.shuffle(torch.tanh(self.conv(x)))
        return y.clamp(0, 1), self.channels(self.unshuffle(x))


class Stn(nn.Module):
    """Spatial transformer."""

    def __init__(self):
        super().__init__()
        self.loc = nn.Sequential(nn.Conv2d(1, 4, 5), nn.MaxPool2d(2, stride=2), nn.ReLU(True), nn.AdaptiveMaxPool2d(2))
        self.fc = nn.Linear(16, 6)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor]:
        theta = self.fc(self.loc(x).view(-1, 16)).view(-1, 2, 3)
        grid = F.affine_grid(theta, [x.size(0), x.size(1), x.size(2), x.size(3)], align_corners=False)
        return F.grid_sample(x, grid, align_corners=False), F.grid_sample(x, grid, mode="nearest", padding_mode="border", align_corners=True)


class WindowAttention(nn.Module):
    """Swin: cyclic shift, windows, relative position bias, patch merging."""

    def __init__(self, dim: int = 8, window: int = 2, heads: int = 2):
        super().__init__()
        self.window, self.heads = window, heads
        self.relative_position_bias_table = nn.Parameter(torch.randn((2 * window - 1) * (2 * window - 1), heads))
        coords = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
        relative = (coords[:, :, None] - coords[:, None, :]).permute(1, 2, 0) + window - 1
        relative[:, :, 0] *= 2 * window - 1
        self.register_buffer("relative_position_index", relative.sum(-1).flatten())
        self.qkv = nn.Linear(dim, dim * 3)
        self.proj = nn.Linear(dim, dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = nn.LayerNorm(4 * dim)

    def forward(self, x: Tensor, shift: int) -> Tensor:
        b, h, w, c = x.shape
        ws = self.window
        pad_r = (ws - w % ws) % ws
        pad_b = (ws - h % ws) % ws
        x = F.pad(x, (0, 0, 0, pad_r, 0, pad_b))
        _, ph, pw, _ = x.shape
        if shift > 0:
            x = torch.roll(x, shifts=(-shift, -shift), dims=(1, 2))
        windows = x.view(b, ph // ws, ws, pw // ws, ws, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, ws * ws, c)
        qkv = self.qkv(windows).reshape(windows.size(0), ws * ws, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        attn = (q * (c // self.heads) ** -0.5).matmul(k.transpose(-2, -1))
        bias = self.relative_position_bias_table[self.relative_position_index].view(ws * ws, ws * ws, -1).permute(2, 0, 1).contiguous().unsqueeze(0)
        attn = attn + bias
        if shift > 0:
            mask = x.new_zeros((ph, pw))
            h_slices = ((0, -ws), (-ws, -shift), (-shift, None))
            w_slices = ((0, -ws), (-ws, -shift), (-shift, None))
            count = 0
            for hs in h_slices:
                for wsl in w_slices:
                    mask[hs[0] : hs[1], wsl[0] : wsl[1]] = count
                    count += 1
            mask = mask.view(ph // ws, ws, pw // ws, ws).permute(0, 2, 1, 3).reshape(-1, ws * ws)
            mask = mask.unsqueeze(1) - mask.unsqueeze(2)
            mask = mask.masked_fill(mask != 0, float(-100.0)).masked_fill(mask == 0, float(0.0))
            attn = attn.view(b, mask.size(0), self.heads, ws * ws, ws * ws) + mask.unsqueeze(1).unsqueeze(0)
            attn = attn.view(-1, self.heads, ws * ws, ws * ws)
        y = self.proj(F.softmax(attn, dim=-1).matmul(v).transpose(1, 2).reshape(-1, ws * ws, c))
        y = y.view(b, ph // ws, pw // ws, ws, ws, c).permute(0, 1, 3, 2, 4, 5).reshape(b, ph, pw, c)
        if shift > 0:
            y = torch.roll(y, shifts=(shift, shift), dims=(1, 2))
        y = y[:, :h, :w, :].contiguous()
        y = F.pad(y, (0, 0, 0, w % 2, 0, h % 2))
        parts = torch.cat([y[..., 0::2, 0::2, :], y[..., 1::2, 0::2, :], y[..., 0::2, 1::2, :], y[..., 1::2, 1::2, :]], -1)
        return self.reduction(self.norm(parts))


class Preprocess(nn.Module):
    """Scripted transforms: resize, crop, normalise, flips, colour."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.tensor([0.485, 0.456, 0.406]).view(-1, 1, 1))
        self.register_buffer("std", torch.tensor([0.229, 0.224, 0.225]).view(-1, 1, 1))

    def forward(self, image: Tensor, size: int, flip: bool = False, antialias: bool = True) -> Tuple[Tensor, Tensor, Tensor]:
        x = image.to(torch.float32) / 255.0
        h, w = x.shape[-2:]
        short, long = (w, h) if w <= h else (h, w)
        new_short, new_long = size, int(size * long / short)
        new_w, new_h = (new_short, new_long) if w <= h else (new_long, new_short)
        x = F.interpolate(x.unsqueeze(0), size=[new_h, new_w], mode="bilinear", align_corners=False, antialias=antialias).squeeze(0)
        top = int(round((x.shape[-2] - size) / 2.0))
        left = int(round((x.shape[-1] - size) / 2.0))
        x = x[..., top : top + size, left : left + size]
        if flip:
            x = x.flip(-1)
        r, g, b = x.unbind(dim=-3)
        gray = (0.2989 * r + 0.587 * g + 0.114 * b).to(x.dtype).unsqueeze(dim=-3)
        kernel1d = torch.exp(-0.5 * (torch.linspace(-1.0, 1.0, steps=3) / 0.8).pow(2))
        kernel1d = kernel1d / kernel1d.sum()
        kernel = torch.mm(kernel1d[:, None], kernel1d[None, :]).expand(3, 1, 3, 3)
        blurred = F.conv2d(F.pad(x.unsqueeze(0), [1, 1, 1, 1], mode="reflect"), kernel, groups=3).squeeze(0)
        u8 = (x * 255 + 0.5).clamp(0, 255).to(torch.uint8)
        return (x - self.mean) / self.std, torch.cat([gray, blurred]), F.interpolate(u8.unsqueeze(0), scale_factor=2.0, mode="nearest")[0]


class Critic(nn.Module):
    """Pools of odd kinds, features as patches."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 4, 3, stride=2, padding=1)
        self.linear = nn.Linear(4, 1)
        self.lp = nn.LPPool2d(2, 2)
        self.unfold = nn.Unfold(kernel_size=2, stride=2)
        self.fold = nn.Fold(output_size=(4, 4), kernel_size=2, stride=2)

    def forward(self, x: Tensor) -> Tuple[Tensor, Tensor, Tensor]:
        y = F.leaky_relu(self.conv(x), 0.2)
        score = self.linear(y.sum([2, 3]))
        return score, self.lp(y), self.fold(self.unfold(y) * 2.0)


EXAMPLES = {
    AnchorGenerator: [("forward", lambda: ([16, 16], [torch.zeros(1, 2, 4, 4), torch.zeros(1, 2, 2, 2)]))],
    Detector: [("forward", lambda: ([torch.rand(3, 14, 16), torch.rand(3, 16, 10)],)), ("forward", lambda: ([torch.rand(3, 8, 8)], [{"boxes": torch.rand(1, 4)}]))],
    UNet: [("forward", lambda: (torch.randn(2, 3, 12, 10),)), ("forward", lambda: (torch.randn(1, 3, 9, 11),))],
    DeepLabHead: [("forward", lambda: (torch.randn(2, 4, 5, 6), [9, 8]))],
    Espcn: [("forward", lambda: (torch.rand(1, 1, 4, 6),)), ("forward", lambda: (torch.rand(1, 1, 3, 6),))],
    Stn: [("forward", lambda: (torch.randn(2, 1, 10, 9),))],
    WindowAttention: [("forward", lambda: (torch.randn(1, 4, 4, 8), 0)), ("forward", lambda: (torch.randn(2, 5, 3, 8), 1))],
    Preprocess: [("forward", lambda: (torch.randint(0, 256, (3, 20, 14), dtype=torch.uint8), 8)), ("forward", lambda: (torch.randint(0, 256, (3, 9, 14), dtype=torch.uint8), 12, True, False))],
    Critic: [("forward", lambda: (torch.randn(2, 2, 8, 8),))],
}  # fmt: skip
