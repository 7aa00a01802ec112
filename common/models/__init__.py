"""Models: any timm backbone with a new head, pretrained weights, freezing, the kit's own small networks."""
