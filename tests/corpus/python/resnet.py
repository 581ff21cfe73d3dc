import torchvision.models as models
import numpy as np

m = models.resnet18(weights=None)
print(sum(np.prod(p.shape) for p in m.parameters()))
