# SPDX-License-Identifier: Apache-2.0
"""Names and shapes of torchvision's networks, one `network name shape` a line.

Run where torchvision is installed; the fixture that is committed was made with 0.29.2:
python torchvision_names.py > ../Fixtures/torchvision-names.txt
"""

import torchvision

for network in ("resnet18", "resnet34", "resnet50", "vgg16_bn", "mobilenet_v2"):
    model = getattr(torchvision.models, network)()
    for name, tensor in model.state_dict().items():
        print(network, name, "x".join(map(str, tensor.shape)))
