library(survival); library(parallel); library(methods)
fit <- survfit(Surv(time, status) ~ 1, data = lung)
print(fit)
