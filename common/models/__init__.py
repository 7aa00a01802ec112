"""Networks: any timm backbone with a new head, and the kit's own small one."""
