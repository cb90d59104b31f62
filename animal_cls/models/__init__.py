"""The networks: images (N, 3, H, W) -> logits (N, K). One file each; conf/model/ holds their constructor calls.

A network is any `torch.nn.Module` whose constructor takes `num_classes`. It may have an attribute `normalization`
(mean and std per channel of images in [0, 1]); without one, ImageNet's is used.
"""
