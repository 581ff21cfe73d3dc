import numpy as np
import statsmodels.api as sm
from statsmodels.formula.api import ols

x = np.linspace(0, 10, 50)
model = sm.OLS(2 * x + 1, sm.add_constant(x)).fit()
print(model.summary())
