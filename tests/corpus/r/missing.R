library(brms)
fit <- brm(y ~ x, data = data.frame(x = 1:3, y = 1:3))
